import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboardOf } from './dashboard.js';
import { perSecond, total } from './expressions.js';
import { graph, number, type Graph } from './panels.js';
import { anyOf } from './variables.js';

const CHOSEN = '{instance=~"$instance"}';
const PROCESS = ['job', 'instance'];
const PROCESS_LEGEND = '{{job}} {{instance}}';

/** How well the numbers themselves are made: from events in the gateways to the view of the fleet. */
export function pipeline(): Dashboard {
  return dashboardOf({
    name: 'pipeline',
    title: 'Inferometer: pipeline health',
    about: 'Can the other dashboards be believed? Events on their way from gateways and probes through the log and the fold.',
    variables: [anyOf('instance', 'instance', 'inferometer_build_info')],
    rows: [
      { title: 'Can the numbers be believed?', panels: [...fleet(), ...losses()] },
      { title: 'From the gateways and the probes to the log', panels: [...outboxes(), ...appends()] },
      { title: 'From the log to the numbers', panels: [...fold(), ...sharing()] },
      { title: 'What the aggregators publish', panels: rollups() },
      { title: 'Processes', panels: processes() },
    ],
  });
}

type Look = Partial<Pick<Graph, 'width' | 'max' | 'from'>>;

/** Never negative; a third of a line wide unless `look` says otherwise. */
function curves(title: string, about: string, unit: string, queries: Graph['queries'], look: Look = {}): Builder<Panel> {
  return graph({ title, about, unit, queries, width: 8, min: 0, ...look });
}

/** One curve for each process. */
function byProcess(title: string, about: string, unit: string, expr: string, look?: Look): Builder<Panel> {
  return curves(title, about, unit, [{ expr, legend: PROCESS_LEGEND }], look);
}

/** How many of these the fleet has. */
function alive(who: 'gateways' | 'aggregators'): Builder<Panel> {
  return number({
    title: `${who[0]!.toUpperCase()}${who.slice(1)} alive`,
    about: 'Those that gave a sign of life lately.',
    unit: 'short',
    width: 4,
    queries: [{ expr: `min(inferometer_live_${who})` }],
    from: [
      [0, 'red'],
      [1, 'green'],
    ],
  });
}

function fleet() {
  return [
    number({
      title: 'Reconciled',
      about: '1: every request received is in exactly one place (ended, lost, waiting or running).',
      unit: 'short',
      width: 4,
      queries: [{ expr: 'min(inferometer_reconciled)' }],
      from: [
        [0, 'red'],
        [1, 'green'],
      ],
    }),
    number({
      title: 'Lag',
      about: 'How far the numbers are behind the events. The built-in alert fires above 30 s.',
      unit: 's',
      width: 4,
      queries: [{ expr: 'max(inferometer_lag_seconds)' }],
      from: [
        [5, 'orange'],
        [30, 'red'],
      ],
    }),
    alive('gateways'),
    alive('aggregators'),
  ];
}

function losses() {
  return [
    number({
      title: 'Events missing',
      about: 'Events that producers numbered and that did not come.',
      unit: 'short',
      width: 4,
      queries: [{ expr: 'max(inferometer_events_missing)' }],
      from: [[1, 'orange']],
    }),
    number({
      title: 'Dead letters',
      about: 'Records that could not be decoded and were put aside.',
      unit: 'short',
      width: 4,
      queries: [{ expr: 'max(inferometer_records_undecodable_total)' }],
      from: [[1, 'orange']],
    }),
  ];
}

function outboxes() {
  const waiting = ['queued', 'spooled'].map((place) => total(`inferometer_outbox_${place}${CHOSEN}`, ...PROCESS));
  return [
    curves(
      'Events',
      'Offered by what happens, and stored in the log, per second.',
      'short',
      ['offered', 'stored'].map((state) => ({ expr: perSecond(`inferometer_outbox_${state}_total${CHOSEN}`), legend: state })),
    ),
    byProcess(
      'Spool',
      'Events on disk, because the log does not take them. They are sent, in order, when it does.',
      'bytes',
      total(`inferometer_outbox_spool_size_bytes${CHOSEN}`, ...PROCESS),
      { from: [[1, 'orange']] },
    ),
    byProcess('Waiting events', 'In memory and on disk.', 'short', waiting.join(' + ')),
  ];
}

function appends() {
  const rate = (what: string): string => perSecond(`inferometer_outbox_${what}_total${CHOSEN}`, ...PROCESS);
  return [
    byProcess('Append time', 'Mean time until the log has stored a batch.', 's', `${rate('append_time_seconds')} / ${rate('appends')}`),
    byProcess('Failed appends', 'Batches per second that the log did not take, or not in time.', 'short', rate('append_failures')),
    byProcess(
      'Dropped events',
      'Since the process began: no room, refused for good, or not stored by its end.',
      'short',
      total(`inferometer_outbox_dropped_total${CHOSEN}`, ...PROCESS),
      { from: [[1, 'red']] },
    ),
  ];
}

function fold() {
  const legend = '{{topic}}';
  return [
    curves('Events folded', 'Per second, by topic.', 'short', [
      { expr: perSecond(`inferometer_fold_events_total${CHOSEN}`, 'topic'), legend },
    ]),
    curves('Records behind', 'Stored and not folded yet, by topic.', 'short', [
      { expr: total(`inferometer_consumer_lag${CHOSEN}`, 'topic'), legend },
    ]),
    curves(
      'Time behind',
      'Age of the last record folded, where others wait; the worst partition.',
      's',
      [{ expr: `max by (topic) (inferometer_consumer_lag_time_seconds${CHOSEN})`, legend }],
      { from: [[30, 'red']] },
    ),
  ];
}

function sharing() {
  return [
    curves('Partitions owned', 'By process and topic: how the work is shared.', 'short', [
      { expr: total(`inferometer_consumer_partitions_owned${CHOSEN}`, 'instance', 'topic'), legend: '{{instance}} {{topic}}' },
    ]),
    curves('Rebalances', 'Partitions gained and given up, per second.', 'short', [
      { expr: perSecond(`inferometer_consumer_partitions_assigned_total${CHOSEN}`), legend: 'gained' },
      { expr: perSecond(`inferometer_consumer_partitions_revoked_total${CHOSEN}`), legend: 'given up' },
    ]),
    curves(
      'Repeats and gaps',
      'Events that came again and were dropped, or did not come; records that were gone before they were read.',
      'short',
      [
        { expr: total(`inferometer_fold_duplicates_total${CHOSEN}`), legend: 'repeats' },
        { expr: total(`inferometer_fold_missing${CHOSEN}`), legend: 'missing' },
        { expr: total(`inferometer_fold_gap_total${CHOSEN}`), legend: 'gone unread' },
      ],
    ),
  ];
}

function rollups() {
  return [
    byProcess(
      'Age of the view',
      'Time since the process’s view of the fleet last moved. Above 10 s it answers scrapes with 503.',
      's',
      `max by (job, instance) (inferometer_view_age_seconds${CHOSEN})`,
      { from: [[10, 'red']] },
    ),
    curves('Bytes published', 'Per second: bases are whole states, deltas what came since.', 'Bps', [
      { expr: perSecond(`inferometer_rollups_published_size_bytes_total${CHOSEN}`, 'kind'), legend: '{{kind}}' },
    ]),
    curves('Records since the base', 'What a restore would fold beside the newest base; the worst partition.', 'short', [
      { expr: `max by (topic) (inferometer_rollups_since_base${CHOSEN})`, legend: '{{topic}}' },
    ]),
  ];
}

function processes() {
  const worst = (name: string): string => `max by (job, instance) (${name}${CHOSEN})`;
  const width = 6;
  return [
    byProcess('Event loop, lateness', '99th percentile of how late timers are.', 's', worst('nodejs_eventloop_delay_p99_seconds'), {
      width,
    }),
    byProcess(
      'Event loop, in use',
      'Share of the time in which the process was busy: at 1 it is at its limit.',
      'percentunit',
      worst('nodejs_eventloop_utilization_ratio'),
      { width, max: 1 },
    ),
    byProcess('Memory', 'Resident.', 'bytes', worst('process_memory_usage_bytes'), { width }),
    byProcess('CPU', 'Cores in use.', 'short', perSecond(`process_cpu_time_seconds_total${CHOSEN}`, ...PROCESS), { width }),
  ];
}
