import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { decodeEvent, topicsOf } from '#libs/contracts';
import type { EventLog, LogRecord } from '#libs/event-log';
import type { Environment } from '#libs/runtime';
import type { FleetView } from '../core/fleet-view.js';
import { FIRST_ORIGIN, PartitionState, type Origin } from '../core/partition-state.js';
import { INPUTS, writerName, type Input } from '../core/rollup-keys.js';
import type { LabelLimits } from '../core/series.js';
import { RollupPublisher } from '../out/rollup-publisher.js';
import type { AggregatorSettings } from '../settings.js';
import { runCommand, showUsage, type Command, type Terminal } from './command.js';
import { readTopic, readView } from './read-log.js';

export const REBUILD_USAGE = `Usage: npm run rebuild -- --from earliest|TIMESTAMP

Folds the input again, from the oldest record left or the first one at TIMESTAMP (RFC 3339) or later, up to now, and publishes the result
as a new epoch. The aggregators that run, and those that start, go on from it: all counters begin there.
Set what the aggregators have set: EVENT_LOG_URL, MODELS, MAX_MODELS, MAX_TENANTS.`;

/** The partitions of one input, folded again. */
class Rebuilt {
  readonly states = new Map<number, PartitionState>();

  constructor(
    private readonly origins: ReadonlyMap<number, Origin>,
    private readonly fromMs: number,
    private readonly limits: LabelLimits,
  ) {}

  take(record: LogRecord): void {
    const state = this.states.get(record.partition);
    // Until the first record that is wanted, the state only moves on to where it could begin.
    if (state && state.firstTimeMs > 0) state.apply(record, decodeEvent(record.value));
    else if (record.timestampMs < this.fromMs) this.begin(record.partition, record.offset + 1n);
    else this.begin(record.partition, record.offset).apply(record, decodeEvent(record.value));
  }

  private begin(partition: number, start: bigint): PartitionState {
    const { epoch, replaced } = this.origins.get(partition) ?? FIRST_ORIGIN;
    const state = new PartitionState(this.limits, { epoch: epoch + 1, replaced, start });
    this.states.set(partition, state);
    return state;
  }
}

/** Runs `rebuild` and returns its exit code. */
export async function rebuildCommand(args: readonly string[], env: Environment, terminal: Terminal): Promise<number> {
  const command: Command = { name: 'rebuild', usage: REBUILD_USAGE, args, env, terminal };
  const fromMs = fromOf(args);
  if (fromMs === undefined) return showUsage(command);
  return runCommand(command, (log, settings) => rebuild(log, settings, fromMs, terminal));
}

/** Unix ms, 0 for the earliest; undefined if it is not said, or not to be understood. */
function fromOf(args: readonly string[]): number | undefined {
  try {
    const { from } = parseArgs({ args: [...args], options: { from: { type: 'string' } } }).values;
    const fromMs = from === 'earliest' ? 0 : Date.parse(from ?? '');
    return Number.isNaN(fromMs) ? undefined : fromMs;
  } catch {
    return undefined;
  }
}

async function rebuild(log: EventLog, { eventLog, labels }: AggregatorSettings, fromMs: number, terminal: Terminal): Promise<number> {
  const topics = topicsOf(eventLog.topicPrefix);
  const view = await readView(log, topics.rollups.name, labels);
  const partitions = await log.partitions(topics.rollups.name);
  const writer = writerName(`rebuild-${randomUUID()}`, 1);
  let count = 0;
  for (const input of INPUTS) {
    const rebuilt = new Rebuilt(originsOf(view, input), fromMs, labels);
    await readTopic(log, topics[input].name, (record) => rebuilt.take(record));
    for (const [partition, state] of rebuilt.states) {
      const place = { log, topic: topics.rollups.name, topicPartition: partition % partitions, input, partition, writer };
      await publish(new RollupPublisher(place, state, { bytes: 0, records: 0, baseBytes: 0 }));
      terminal.out(`${input} ${partition}: epoch ${state.origin.epoch}, offsets ${state.origin.start} to ${state.next}`);
      count += 1;
    }
  }
  terminal.out(
    count === 0 ? 'the input topics are empty: nothing was published' : `${count} partitions were published; aggregators go on from there`,
  );
  return 0;
}

function originsOf(view: FleetView, input: Input): ReadonlyMap<number, Origin> {
  return new Map(view.numbered(input).map(([partition, { origin }]) => [partition, origin]));
}

async function publish(publisher: RollupPublisher): Promise<void> {
  await publisher.writeBase(0);
  await publisher.publish(0);
}
