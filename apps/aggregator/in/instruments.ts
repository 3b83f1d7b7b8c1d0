import { DECODE_REASONS } from '#libs/contracts';
import { counter, gauge, OUTBOX_INSTRUMENTS, type Instruments, type ProcessMetrics, type Tell } from '#libs/process-metrics';
import type { FleetAnswers } from '../out/fleet-answers.js';
import type { Aggregation, InputFlow } from './aggregation.js';
import type { OwnedPartition } from './owned-partition.js';

const PLACE = ['topic', 'partition'] as const;

/** What this process folds, publishes and shows. What is told by partition is told by its owner alone. */
export const AGGREGATOR_INSTRUMENTS = {
  connected: OUTBOX_INSTRUMENTS.connected,
  lag: gauge('inferometer.consumer.lag', '{record}', 'Records that are stored and not folded yet', ...PLACE),
  lagTime: gauge('inferometer.consumer.lag.time', 's', 'Age of the last record folded, 0 where none waits', ...PLACE),
  owned: gauge('inferometer.consumer.partitions.owned', '{partition}', 'Partitions that this process folds', 'topic'),
  assigned: counter('inferometer.consumer.partitions.assigned', '{partition}', 'Partitions gained in rebalances', 'topic'),
  revoked: counter('inferometer.consumer.partitions.revoked', '{partition}', 'Partitions given up in rebalances', 'topic'),
  records: counter('inferometer.fold.records', '{record}', 'Records folded by this process', 'topic'),
  events: counter('inferometer.fold.events', '{event}', 'Events among these records: the others cannot be decoded', 'topic'),
  duplicates: counter('inferometer.fold.duplicates', '{event}', 'Events of a partition that came again, and were dropped', ...PLACE),
  missing: gauge('inferometer.fold.missing', '{event}', 'Events of a partition that producers numbered and that did not come', ...PLACE),
  gapEvents: counter('inferometer.fold.gap', '{record}', 'Records of a partition that were gone before they were read', ...PLACE),
  deadLetters: counter('inferometer.dead_letters', '{record}', 'Records that this process could not decode and put aside', 'reason'),
  published: counter('inferometer.rollups.published', '{record}', 'Records of rollups that this process has stored', 'kind'),
  publishedSize: counter('inferometer.rollups.published.size', 'By', 'What these records take', 'kind'),
  publishedAge: gauge('inferometer.rollups.age', 's', 'Time since this process last stored rollups; absent before the first'),
  baseSize: gauge(
    'inferometer.rollups.base.size',
    'By',
    'Size of the newest base of a partition, before packing; absent before the first',
    ...PLACE,
  ),
  baseAge: gauge('inferometer.rollups.base.age', 's', 'Age of the newest base of a partition; absent before the first', ...PLACE),
  sinceBase: gauge('inferometer.rollups.since_base', '{record}', 'Records that a restore would fold beside the newest base', ...PLACE),
  rejected: counter('inferometer.rollups.rejected', '{rollup}', 'Bases and deltas read that are corrupt, incomplete or of another format'),
  restoreTime: gauge('inferometer.restore.time', 's', 'How long the last reading of all rollups took; absent before its end'),
  restoreRecords: gauge('inferometer.restore.records', '{record}', 'Rollup records in that reading'),
  viewAge: gauge('inferometer.view.age', 's', 'Time since the view of the fleet last moved'),
  alerts: gauge('inferometer.alerts.firing', '{alert}', 'Built-in alerts that fire now'),
} as const satisfies Instruments;

type Key = Exclude<keyof typeof AGGREGATOR_INSTRUMENTS, 'lag' | 'lagTime'>;

/** Lets the aggregator's own /metrics tell of its work. */
export function observeAggregator(metrics: ProcessMetrics, aggregation: Aggregation, answers: FleetAnswers): void {
  const { lag, lagTime, ...others } = AGGREGATOR_INSTRUMENTS;
  // On their own: they are asked of the log, which may be away.
  metrics.observe({ lag, lagTime }, async (tell) => {
    await Promise.all(aggregation.inputs.map((input) => tellLag(tell, input)));
  });
  metrics.observe(others, (tell) => {
    for (const input of aggregation.inputs) tellInput(tell, input, answers);
    tellRollups(tell, aggregation, answers);
    tell('connected', aggregation.connected ? 1 : 0);
    for (const reason of DECODE_REASONS) tell('deadLetters', aggregation.deadLetters.stored.get(reason) ?? 0, { reason });
    tell('viewAge', answers.viewAgeMs / 1000);
    tell('alerts', answers.allAlerts().filter(({ state }) => state === 'firing').length);
  });
}

async function tellLag(tell: Tell<'lag' | 'lagTime'>, { topic, consumer, consumption }: InputFlow): Promise<void> {
  for (const { partition, next, end } of await consumption.positions()) {
    const state = consumer.owned.get(partition)?.state;
    if (!state) continue;
    const place = { topic, partition: String(partition) };
    // The fold goes record by record, the position batch by batch.
    const waiting = Math.max(0, Number(end - (state.next > next ? state.next : next)));
    tell('lag', waiting, place);
    if (waiting === 0) tell('lagTime', 0, place);
    else if (state.lastTimestampMs > 0) tell('lagTime', Math.max(0, Date.now() - state.lastTimestampMs) / 1000, place);
  }
}

function tellInput(tell: Tell<Key>, { topic, input, consumer }: InputFlow, { view }: FleetAnswers): void {
  tell('owned', consumer.owned.size, { topic });
  const { assigned, revoked, records, events } = consumer.counts;
  for (const [key, count] of Object.entries({ assigned, revoked, records, events })) tell(key as Key, count, { topic });
  for (const [partition, { state }] of consumer.owned) {
    const place = { topic, partition: String(partition) };
    tellState(tell, state, place);
    const shown = view.partition(input, partition);
    const { baseBytes = 0, records: since = 0 } = shown?.current.sinceBase ?? {};
    tell('sinceBase', since, place);
    tell('baseSize', baseBytes || undefined, place);
    tell('baseAge', shown?.newestBaseMs === undefined ? undefined : Math.max(0, Date.now() - shown.newestBaseMs) / 1000, place);
  }
}

function tellState(tell: Tell<Key>, state: OwnedPartition['state'], place: Readonly<Record<string, string>>): void {
  tell('duplicates', state.duplicates, place);
  tell('missing', state.producers.missing, place);
  tell('gapEvents', state.gapEvents, place);
}

function tellRollups(tell: Tell<Key>, { published, restored }: Aggregation, { view }: FleetAnswers): void {
  for (const [kind, { records, bytes }] of Object.entries(published.stored)) {
    tell('published', records, { kind });
    tell('publishedSize', bytes, { kind });
  }
  tell('publishedAge', published.ageMs === undefined ? undefined : published.ageMs / 1000);
  tell('rejected', view.rejected);
  tell('restoreTime', restored?.seconds);
  tell('restoreRecords', restored?.records);
}
