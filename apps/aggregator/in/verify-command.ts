import { decodeEvent, topicsOf } from '#libs/contracts';
import type { EventLog, LogRecord } from '#libs/event-log';
import type { Environment } from '#libs/runtime';
import { differencesOf, laterDifferences, type Difference } from '../core/compare-states.js';
import { PartitionState } from '../core/partition-state.js';
import { INPUTS } from '../core/rollup-keys.js';
import type { LabelLimits } from '../core/series.js';
import type { AggregatorSettings } from '../settings.js';
import { runCommand, showUsage, type Command, type Terminal } from './command.js';
import { readTopic, readView } from './read-log.js';

export const VERIFY_USAGE = `Usage: npm run verify

Folds the retained input from scratch, up to where the published state of each partition is, and compares the two.
Set what the aggregators have set: EVENT_LOG_URL, MODELS, MAX_MODELS, MAX_TENANTS.
Exit code 0: no difference; 1: there are differences, or nothing to compare.`;

const MAX_SHOWN = 20;

/** One partition folded again. */
interface Audit {
  readonly published: PartitionState;
  readonly folded: PartitionState;
  /** The oldest record left; undefined if none is. */
  first: { readonly offset: bigint; readonly timestampMs: number } | undefined;
}

/** Runs `verify` and returns its exit code. */
export async function verifyCommand(args: readonly string[], env: Environment, terminal: Terminal): Promise<number> {
  const command: Command = { name: 'verify', usage: VERIFY_USAGE, args, env, terminal };
  if (args.length > 0) return showUsage(command);
  return runCommand(command, (log, settings) => verify(log, settings, terminal));
}

async function verify(log: EventLog, { eventLog, labels }: AggregatorSettings, terminal: Terminal): Promise<number> {
  const topics = topicsOf(eventLog.topicPrefix);
  const view = await readView(log, topics.rollups.name, labels);
  let [good, bad] = [0, 0];
  for (const input of INPUTS) {
    const audits = auditsOf(view.numbered(input), labels);
    await readTopic(log, topics[input].name, (record) => foldAgain(audits.get(record.partition), record));
    for (const [partition, audit] of audits) {
      if (report(`${input} ${partition}`, audit, terminal)) good += 1;
      else bad += 1;
    }
  }
  if (good + bad === 0) terminal.error('verify: nothing has been published yet');
  else terminal.out(bad === 0 ? `no difference in ${good} partitions` : `differences in ${bad} of ${good + bad} partitions`);
  return bad > 0 || good === 0 ? 1 : 0;
}

function auditsOf(states: Iterable<readonly [number, PartitionState]>, limits: LabelLimits): ReadonlyMap<number, Audit> {
  const audits = [...states].map(([partition, published]) => {
    const folded = new PartitionState(limits, published.origin);
    return [partition, { published, folded, first: undefined }] as const;
  });
  return new Map(audits);
}

function foldAgain(audit: Audit | undefined, record: LogRecord): void {
  if (!audit || record.offset >= audit.published.next) return;
  audit.first ??= record;
  audit.folded.apply(record, decodeEvent(record.value));
}

/** True if there is no difference. */
function report(name: string, audit: Audit, terminal: Terminal): boolean {
  const { published, first } = audit;
  const { start, epoch } = published.origin;
  const about = `epoch ${epoch}, offset ${published.next}`;
  const isWhole = published.next === start || (first !== undefined && first.offset <= start);
  if (first === undefined && !isWhole) {
    terminal.out(`${name}: ${about}: every record below is gone by retention, nothing to compare`);
    return true;
  }
  const note = isWhole ? '' : `, older records are gone by retention: compared from offset ${first!.offset} on, what it alone tells`;
  const differences = isWhole ? differencesOf(published, audit.folded) : laterDifferences(published, audit.folded, first!.timestampMs);
  terminal.out(`${name}: ${differences.length === 0 ? 'ok' : `${differences.length} differences`}, ${about}${note}`);
  showAll(differences, terminal);
  return differences.length === 0;
}

function showAll(differences: readonly Difference[], terminal: Terminal): void {
  for (const { place, published, folded } of differences.slice(0, MAX_SHOWN))
    terminal.out(`  ${place}: published ${published}, folded ${folded}`);
  if (differences.length > MAX_SHOWN) terminal.out(`  and ${differences.length - MAX_SHOWN} more`);
}
