import { ERROR_TYPES, type MetricsDocument } from '#libs/contracts';
import type { GatewayStanding } from '../../core/fleet-gauges.js';
import type { Totals } from '../../core/fleet-totals.js';
import type { Metric, MetricSet, Told, ValuePoint } from './metric.js';

const USE = ['model', 'tenant', 'operation'] as const;

function ofModels(name: string, help: string, value: (totals: Totals) => number): Metric {
  const read = ({ metrics }: Told) => Array.from(metrics.models, ([model, totals]): ValuePoint => [[model], value(totals)]);
  return { name, type: 'gauge', unit: '{request}', labels: ['model'], help, read };
}

function ofGateways(name: string, unit: string, help: string, value: (gateway: GatewayStanding) => number | undefined): Metric {
  const read = ({ metrics }: Told) => metrics.gateways.map((gateway): ValuePoint => [[gateway.name], value(gateway)]);
  return { name, type: 'gauge', unit, labels: ['gateway'], help, read };
}

function quality(
  type: 'counter' | 'gauge',
  name: string,
  unit: string,
  help: string,
  value: (quality: MetricsDocument['data_quality']) => number,
): Metric {
  return { name, type, unit, labels: [], help, read: ({ document }) => [[[], value(document.data_quality)]] };
}

/** What the other conventions have no names for: our own rules and dashboards are made of these. */
export const FLEET_METRICS: MetricSet = {
  title: 'The rest (`inferometer_…`)',
  source: 'this project',
  isDotted: true,
  metrics: [
    {
      name: 'inferometer.requests.received',
      type: 'counter',
      unit: '{request}',
      labels: USE,
      help: 'Requests received, whatever became of them.',
      read: ({ metrics }) =>
        metrics.uses.map(({ labels, totals }): ValuePoint => [[labels.model, labels.tenant, labels.operation], totals.total]),
    },
    {
      name: 'inferometer.requests',
      type: 'counter',
      unit: '{request}',
      labels: [...USE, 'outcome'],
      help: 'Requests that ended, by how: successful, failed or cancelled.',
      read: ({ metrics }) =>
        metrics.uses.flatMap(({ labels: { model, tenant, operation }, totals: { counts } }): readonly ValuePoint[] => [
          [[model, tenant, operation, 'successful'], counts.successful],
          [[model, tenant, operation, 'failed'], counts.failedTotal],
          [[model, tenant, operation, 'cancelled'], counts.cancelledTotal],
        ]),
    },
    {
      name: 'inferometer.requests.failed',
      type: 'counter',
      unit: '{request}',
      labels: ['model', 'type'],
      help: 'Failed requests by type.',
      read: ({ metrics }) =>
        [...metrics.models].flatMap(([model, { counts }]) =>
          ERROR_TYPES.map((type, index): ValuePoint => [[model, type], counts.failed[index]]),
        ),
    },
    ofModels(
      'inferometer.requests.lost',
      'Requests whose gateway died before saying how they ended; falls where one says it after all.',
      ({ lost }) => lost,
    ),
    ofModels('inferometer.requests.waiting', 'Requests held in a gateway queue.', ({ waiting }) => waiting),
    ofModels('inferometer.requests.running', 'Requests sent to an upstream and not finished with.', ({ running }) => running),
    {
      name: 'inferometer.tokens',
      type: 'counter',
      unit: '{token}',
      labels: ['model', 'tenant', 'operation', 'direction'],
      help: 'Tokens that the upstreams counted, in prompts (input) and in answers (output).',
      formula: 'Counted when the request ends',
      read: ({ metrics }) =>
        metrics.uses.flatMap(({ labels: { model, tenant, operation }, totals: { counts } }): readonly ValuePoint[] => [
          [[model, tenant, operation, 'input'], counts.inputTokens],
          [[model, tenant, operation, 'output'], counts.outputTokens],
        ]),
    },
    ofGateways('inferometer.gateway.up', '', '1 while the gateway sends heartbeats, 0 for an hour after its last one.', ({ isUp }) =>
      Number(isUp),
    ),
    ofGateways(
      'inferometer.gateway.running.requests',
      '{request}',
      'Requests that the gateway has at its upstreams.',
      ({ isUp, heartbeat }) => (isUp ? heartbeat.running : 0),
    ),
    ofGateways('inferometer.gateway.waiting.requests', '{request}', 'Requests in the queue of the gateway.', ({ isUp, heartbeat }) =>
      isUp ? heartbeat.waiting : 0,
    ),
    ofGateways(
      'inferometer.gateway.max_concurrent',
      '{request}',
      'Requests that the gateway sends at once at most.',
      ({ heartbeat }) => heartbeat.max_concurrent,
    ),
    ofGateways(
      'inferometer.gateway.events.spooled',
      '{event}',
      'Events on the disk of the gateway that wait for the event log.',
      ({ heartbeat }) => heartbeat.spooled,
    ),
    ofGateways(
      'inferometer.gateway.events.dropped',
      '{event}',
      'Events that the gateway has dropped since its start.',
      ({ heartbeat }) => heartbeat.dropped,
    ),
    quality(
      'gauge',
      'inferometer.reconciled',
      '',
      '1 if total = successful + failed + cancelled + lost + waiting + running, and no record was missed.',
      ({ reconciled }) => Number(reconciled),
    ),
    quality('gauge', 'inferometer.lag', 's', 'How far the numbers are behind the event log, in seconds.', (of) => of.lag_seconds),
    quality(
      'counter',
      'inferometer.duplicates.dropped',
      '{event}',
      'Events that came again, and were dropped.',
      (of) => of.duplicates_dropped,
    ),
    quality(
      'gauge',
      'inferometer.events.missing',
      '{event}',
      'Events that producers numbered and that have not come; falls where one comes late.',
      (of) => of.events_missing,
    ),
    quality(
      'counter',
      'inferometer.records.missed',
      '{record}',
      'Records of the event log that were gone before they were read.',
      (of) => of.state_gap_events,
    ),
    quality(
      'counter',
      'inferometer.records.undecodable',
      '{record}',
      'Records that could not be decoded and were put aside.',
      (of) => of.dead_letters,
    ),
    quality('gauge', 'inferometer.live_gateways', '{gateway}', 'Gateways that send heartbeats.', (of) => of.live_gateways),
    quality('gauge', 'inferometer.live_aggregators', '{aggregator}', 'Aggregators that own partitions.', (of) => of.live_aggregators),
    quality(
      'gauge',
      'inferometer.gpu_reading.age',
      's',
      'Age of the oldest of the latest GPU readings, in seconds; 0 without a GPU.',
      (of) => of.gpu_reading_age_seconds,
    ),
  ],
};
