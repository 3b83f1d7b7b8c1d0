/** `skip` where nothing could be looked at, or where it makes no sense to. */
export type Verdict = 'ok' | 'warn' | 'fail' | 'skip';

/** What one look has found. */
export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  /** One line. It may hold text from outside, and never a secret. */
  readonly found: string;
  /** How to mend it, or what to do so that it can be looked at; one line. */
  readonly mend?: string;
}

export function ok(check: string, found: string): Finding {
  return { check, verdict: 'ok', found };
}

/** Something that works, and that the operator should know or mend all the same. */
export function warn(check: string, found: string, mend: string): Finding {
  return { check, verdict: 'warn', found, mend };
}

/** Something that keeps a part of the system from working. */
export function fail(check: string, found: string, mend: string): Finding {
  return { check, verdict: 'fail', found, mend };
}

export function skip(check: string, found: string, mend?: string): Finding {
  return mend === undefined ? { check, verdict: 'skip', found } : { check, verdict: 'skip', found, mend };
}
