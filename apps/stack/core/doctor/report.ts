import { counted } from './amounts.js';
import type { Finding, Verdict } from './finding.js';

/** Escape codes for a terminal that shows colours. */
const COLORS: Readonly<Record<Verdict, string>> = { ok: '32', warn: '33', fail: '31', skip: '2' };
const SHOWN: Readonly<Record<Verdict, string>> = { ok: 'ok', warn: 'warn', fail: 'FAIL', skip: 'skip' };
const VERDICT_WIDTH = 6;
/** Text from outside is cut here. */
const MAX_TEXT = 400;

/** What `npm run doctor` prints: one line each, how to mend it under it, and the sum. Without an end of line. */
export function reportText(findings: readonly Finding[], isColored: boolean): string {
  const width = Math.max(...findings.map(({ check }) => check.length)) + 2;
  const lines = findings.flatMap(({ check, verdict, found, mend }) => {
    const mark = SHOWN[verdict].padEnd(VERDICT_WIDTH);
    const line = `${isColored ? `\u001B[${COLORS[verdict]}m${mark}\u001B[0m` : mark}${check.padEnd(width)}${plain(found)}`;
    return mend === undefined ? [line] : [line, `${' '.repeat(VERDICT_WIDTH + width)}→ ${plain(mend)}`];
  });
  return [...lines, '', sumOf(findings)].join('\n');
}

/** The same for a program. */
export function reportDocument(findings: readonly Finding[]): object {
  const checks = findings.map(({ check, verdict, found, mend }) => {
    return { check, verdict, found: plain(found), ...(mend === undefined ? {} : { mend: plain(mend) }) };
  });
  return { ok: exitCodeFor(findings) === 0, ...countsOf(findings), checks };
}

/** 1 if anything failed; warnings are none. */
export function exitCodeFor(findings: readonly Finding[]): number {
  return findings.some(({ verdict }) => verdict === 'fail') ? 1 : 0;
}

function sumOf(findings: readonly Finding[]): string {
  const { failed, warned, passed, skipped } = countsOf(findings);
  return `${failed} failed, ${counted(warned, 'warning')}, ${passed} ok, ${skipped} skipped`;
}

function countsOf(findings: readonly Finding[]) {
  const count = (verdict: Verdict): number => findings.filter((finding) => finding.verdict === verdict).length;
  return { failed: count('fail'), warned: count('warn'), passed: count('ok'), skipped: count('skip') };
}

/** No text from outside may move the cursor, or begin a line of its own. */
function plain(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line;
}
