import { EndedHistograms } from './ended-histograms.js';
import { EngineFigures } from './engine-figures.js';
import { clockOf, gatewayStandings, latestReadings, type FleetClock, type GatewayStanding } from './fleet-gauges.js';
import { Totals } from './fleet-totals.js';
import type { FleetView, Mark } from './fleet-view.js';
import { Histogram, HISTOGRAM_EDGES } from './histograms.js';
import type { GpuState, PartitionState } from './partition-state.js';
import type { OpenRequest } from './producer.js';
import { emplace, type Series, type SeriesLabels } from './series.js';

/** A model is shown for this long after the last word of it. */
const MODEL_SHOWN_MS = 86_400_000;
/** What is shown where a request names no model. */
const UNKNOWN_MODEL = 'unknown';

/** One model at one upstream, as vLLM's names tell of it. */
export interface EngineGroup {
  readonly model: string;
  readonly engine: string;
  waiting: number;
  running: number;
  readonly figures: EngineFigures;
}

/** What OpenTelemetry's conventions call our operations, where that is not the same; several may share a name. */
const CONVENTIONAL_OPERATIONS = new Map([
  ['responses', 'chat'],
  ['messages', 'chat'],
]);

/** One operation, by its name in OpenTelemetry's conventions, on one model. */
export interface OperationGroup {
  readonly model: string;
  readonly operation: string;
  readonly ended: EndedHistograms;
  /** Of all requests that reached the upstream. */
  readonly inputTokens: Histogram;
  readonly outputTokens: Histogram;
}

/** What a tenant does with a model, by one operation. */
export interface UseGroup {
  readonly labels: SeriesLabels;
  readonly totals: Totals;
}

/** The fleet's numbers in the groups that metrics are told in. Nothing in it changes any more. */
export interface FleetMetrics {
  readonly clock: FleetClock;
  readonly engines: readonly EngineGroup[];
  readonly operations: readonly OperationGroup[];
  readonly uses: readonly UseGroup[];
  readonly models: ReadonlyMap<string, Totals>;
  readonly gpus: readonly GpuState[];
  readonly gateways: readonly GatewayStanding[];
  /** What was summed of each partition: see FleetView. */
  readonly marks: readonly Mark[];
}

/**
 * Sums a partition at each step; between steps the view may move on. What one partition has counted is of one moment, so the conservation law holds
 * in the sums; everything but sums is of the first moment. `known`: models that are told of from the start and for ever.
 */
export function* gathering(view: FleetView, known: readonly string[]): Generator<void, FleetMetrics> {
  const states = view.states('requests');
  const clock = clockOf(states);
  const groups = new Groups(shownModels(states, clock, known));
  for (const model of known) groups.know(model);
  const others = { clock, gpus: latestReadings(view.states('gpus')), gateways: gatewayStandings(states, clock) };
  const marks: Mark[] = [];
  for (const { state, mark } of view.requestPartitions()) {
    for (const series of state.series.byId.values()) groups.addSeries(series);
    for (const producer of state.producers.all()) for (const request of producer.open.values()) groups.addOpen(request);
    marks.push(mark);
    yield;
  }
  return { ...others, ...groups.all(), marks };
}

/** Models with a request in hand, or heard of in the last day of log time; the same on every replica. */
function shownModels(states: readonly PartitionState[], { logTimeMs }: FleetClock, known: readonly string[]): ReadonlySet<string> {
  const shown = new Set(known);
  for (const { series, producers } of states) {
    for (const { labels, lastSeenMs } of series.byId.values()) if (logTimeMs - lastSeenMs <= MODEL_SHOWN_MS) shown.add(labels.model);
    for (const { open } of producers.all())
      for (const request of open.values()) if (isOpen(request)) shown.add(request.series.labels.model);
  }
  return shown;
}

function isOpen({ endedAt, lost }: OpenRequest): boolean {
  return endedAt === 0 && !lost;
}

class Groups {
  private readonly engines = new Map<string, EngineGroup>();
  private readonly operations = new Map<string, OperationGroup>();
  private readonly uses = new Map<string, UseGroup>();
  private readonly models = new Map<string, Totals>();

  constructor(private readonly shown: ReadonlySet<string>) {}

  know(model: string): void {
    const name = shownName(model);
    this.engine(name, 0);
    emplace(this.models, name, () => new Totals());
  }

  addSeries(series: Series): void {
    const { operation, model } = series.labels;
    if (!this.shown.has(model)) return;
    const name = shownName(model);
    this.engine(name, 0);
    const group = this.operation(name, operation);
    group.ended.merge(series.ended);
    for (const [index, figures] of series.engines.entries()) {
      if (!figures) continue;
      this.engine(name, index).figures.merge(figures);
      group.inputTokens.merge(figures.histograms.of('inputTokens'));
      group.outputTokens.merge(figures.histograms.of('outputTokens'));
    }
    this.use(series.labels).totals.addSeries(series);
    emplace(this.models, name, () => new Totals()).addSeries(series);
  }

  addOpen(request: OpenRequest): void {
    const { labels } = request.series;
    if (!this.shown.has(labels.model)) return;
    const name = shownName(labels.model);
    this.use(labels).totals.addOpen(request);
    emplace(this.models, name, () => new Totals()).addOpen(request);
    if (!isOpen(request)) return;
    if (request.started) this.engine(name, request.engine).running += 1;
    else this.engine(name, 0).waiting += 1;
  }

  all(): Pick<FleetMetrics, 'engines' | 'operations' | 'uses' | 'models'> {
    return {
      engines: sorted(this.engines),
      operations: sorted(this.operations),
      uses: sorted(this.uses),
      models: new Map([...this.models].toSorted(byKey)),
    };
  }

  private engine(model: string, index: number): EngineGroup {
    const make = () => ({ model, engine: String(index), waiting: 0, running: 0, figures: new EngineFigures() });
    return emplace(this.engines, JSON.stringify([model, index]), make);
  }

  private operation(model: string, ours: string): OperationGroup {
    const operation = CONVENTIONAL_OPERATIONS.get(ours) ?? ours;
    return emplace(this.operations, JSON.stringify([model, operation]), () => ({
      model,
      operation,
      ended: new EndedHistograms(),
      inputTokens: new Histogram(HISTOGRAM_EDGES.inputTokens),
      outputTokens: new Histogram(HISTOGRAM_EDGES.outputTokens),
    }));
  }

  private use({ model, tenant, operation }: SeriesLabels): UseGroup {
    const labels = { model: shownName(model), tenant, operation };
    return emplace(this.uses, JSON.stringify([labels.model, tenant, operation]), () => ({ labels, totals: new Totals() }));
  }
}

function shownName(model: string): string {
  return model === '' ? UNKNOWN_MODEL : model;
}

/** In the same order on every replica. */
function sorted<T>(groups: ReadonlyMap<string, T>): readonly T[] {
  return [...groups].toSorted(byKey).map(([, group]) => group);
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
