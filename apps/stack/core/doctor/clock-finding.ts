import { fail, ok, skip, warn, type Finding } from './finding.js';

/** What this machine's clock could be compared with. */
export interface ClockFacts {
  /** The broker's clock less this machine's, by a record that was appended a moment ago. */
  readonly brokerAheadMs: number | undefined;
  /** The model server's clock less this machine's, by the date of its answer, to a second; only of another machine. */
  readonly upstreamAheadMs: number | undefined;
}

const CHECK = 'clock';
/**
 * Durations are measured within a process and alerts follow the log's clock, so that neither minds. But the time of a request is that of its
 * gateway's clock: one that is off by a bucket of 10 s shows its requests in the wrong one; at a minute they are outside the shortest window,
 * or, from the future, counted as skewed and put back.
 */
const NOTICED_MS = 10_000;
const HARMFUL_MS = 60_000;
const MEND = 'let this machine and the brokers keep the time by NTP (timedatectl, chronyc tracking)';

/** The clock against the brokers'; against a model server's, said so, where nothing is appended at the moment. */
export function brokerClockFinding({ brokerAheadMs, upstreamAheadMs }: ClockFacts): Finding {
  if (brokerAheadMs !== undefined) return compared('the broker’s, by a record that was just appended', brokerAheadMs, fail);
  const nothing = 'nothing is being appended, so there is no time of the broker’s to compare with';
  if (upstreamAheadMs === undefined) return skip(CHECK, nothing, 'ask again while a gateway or an aggregator runs');
  return compared(`the model server’s (${nothing})`, upstreamAheadMs, warn);
}

/** The embedded log is stamped by this very clock: only its having been set back can show. */
export function ownClockFinding(newestMs: number | undefined, nowMs: number): Finding {
  const aheadMs = (newestMs ?? -Infinity) - nowMs;
  if (aheadMs < NOTICED_MS) return ok(CHECK, 'the embedded log goes by this machine’s own clock');
  return warn(CHECK, `this clock was set back: the log’s newest record is ${seconds(aheadMs)} ahead of it`, MEND);
}

function compared(whose: string, aheadMs: number, atWorst: typeof fail): Finding {
  const off = Math.abs(aheadMs);
  if (off < NOTICED_MS) return ok(CHECK, `within ${seconds(Math.max(off, 100))} of ${whose}`);
  const found = `this clock is ${seconds(off)} ${aheadMs > 0 ? 'behind' : 'ahead of'} ${whose}`;
  return (off < HARMFUL_MS ? warn : atWorst)(CHECK, found, MEND);
}

function seconds(ms: number): string {
  return `${(Math.ceil(ms / 100) / 10).toFixed(1)} s`;
}
