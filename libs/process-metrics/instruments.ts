/** What a process tells of itself under one name. Names and units are OpenTelemetry's: dots, and UCUM units (`s`, `By`, `1`, `{event}`). */
export interface Instrument {
  readonly name: string;
  /** A counter never falls while the process lives. */
  readonly kind: 'counter' | 'gauge';
  readonly unit: string;
  /** One sentence without quotes and without its full stop. */
  readonly help: string;
  /** The names of all its labels. Their values come from closed sets. */
  readonly labels?: readonly string[];
}

/** Instruments by the short names that the code which reads their values gives them. */
export type Instruments<Key extends string = string> = Readonly<Record<Key, Instrument>>;

/** Declares a gauge. */
export const gauge = (name: string, unit: string, help: string, ...labels: string[]): Instrument => ({
  name,
  kind: 'gauge',
  unit,
  help,
  labels,
});
/** Declares a counter. */
export const counter = (name: string, unit: string, help: string, ...labels: string[]): Instrument => ({
  name,
  kind: 'counter',
  unit,
  help,
  labels,
});

/** What every process tells. Apart from the first, the names are those of OpenTelemetry’s semantic conventions for processes, Node.js and V8. */
export const PROCESS_INSTRUMENTS = {
  buildInfo: gauge('inferometer.build.info', '', 'Always 1: which app this is, and what it runs', 'app', 'version', 'node'),
  uptime: gauge('process.uptime', 's', 'Age of the process'),
  cpu: counter('process.cpu.time', 's', 'CPU time used', 'cpu.mode'),
  memory: gauge('process.memory.usage', 'By', 'Resident memory'),
  heapUsed: gauge('v8js.memory.heap.used', 'By', 'Heap in use', 'v8js.heap.space.name'),
  heapSize: gauge('v8js.memory.heap.space.size', 'By', 'Heap set aside', 'v8js.heap.space.name'),
  loopTime: counter('nodejs.eventloop.time', 's', 'Time that the event loop spent in each state', 'nodejs.eventloop.state'),
  loopUtilization: gauge('nodejs.eventloop.utilization', '1', 'Share of time in which the event loop was busy, lately'),
  loopDelayP50: gauge('nodejs.eventloop.delay.p50', 's', 'Median lateness of timers, lately'),
  loopDelayP99: gauge('nodejs.eventloop.delay.p99', 's', '99th percentile of the lateness of timers, lately'),
  loopDelayMax: gauge('nodejs.eventloop.delay.max', 's', 'Greatest lateness of a timer, lately'),
} as const satisfies Instruments;

/** What a process tells of the outbox through which its events go to the event log. */
export const OUTBOX_INSTRUMENTS = {
  connected: gauge('inferometer.event_log.connected', '', '1 while events can be stored, 0 from a failed append until one succeeds'),
  offered: counter('inferometer.outbox.offered', '{event}', 'Events that this process had to tell'),
  stored: counter('inferometer.outbox.stored', '{event}', 'Events that the event log has taken'),
  appends: counter('inferometer.outbox.appends', '{batch}', 'Batches sent to the event log, those that failed too'),
  failures: counter('inferometer.outbox.append.failures', '{batch}', 'Batches that the event log did not take, or not in time'),
  appendTime: counter('inferometer.outbox.append.time', 's', 'How long the answers to these batches took, all in all'),
  queued: gauge('inferometer.outbox.queued', '{event}', 'Events in memory that wait to be stored'),
  spooled: gauge('inferometer.outbox.spooled', '{event}', 'Events on disk that wait for the event log'),
  spoolSize: gauge('inferometer.outbox.spool.size', 'By', 'Events on disk that wait for the event log'),
  dropped: counter('inferometer.outbox.dropped', '{event}', 'Events dropped: no room, refused for good, or not stored by the end', 'type'),
} as const satisfies Instruments;
