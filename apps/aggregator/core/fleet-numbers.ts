import type { WindowName } from '#libs/contracts';
import type { Figures } from './figures.js';
import { clockOf, latestReadings, type FleetClock } from './fleet-gauges.js';
import { allTimeBy, spanOf, Totals, totalsBy, type Span } from './fleet-totals.js';
import type { FleetView } from './fleet-view.js';
import type { GpuState, PartitionState } from './partition-state.js';
import type { SeriesLabels } from './series.js';
import { mergedOf, type GroupBy, type WindowFigures } from './window-sums.js';

export const WINDOW_MS: Readonly<Record<Exclude<WindowName, 'all'>, number>> = {
  '1m': 60_000,
  '5m': 300_000,
  '15m': 900_000,
  '1h': 3_600_000,
};

export interface MetricsQuery {
  readonly window: WindowName;
  readonly model?: string;
  readonly tenant?: string;
}

/** Everything one answer is made of, before rounding: the fleet's numbers for a query. */
export interface FleetNumbers {
  readonly query: MetricsQuery;
  readonly clock: FleetClock;
  readonly span: Span;
  /** Since the counters began. */
  readonly totals: Totals;
  readonly totalsByModel: ReadonlyMap<string, Totals>;
  /** Within the window. */
  readonly figures: Figures;
  readonly figuresByModel: ReadonlyMap<string, Figures>;
  /** The greatest number of running requests of the whole fleet, ever and within the window. */
  readonly peakRunning: number;
  readonly windowPeakRunning: number;
  readonly gpus: readonly GpuState[];
  readonly gpuClock: FleetClock;
}

/** Sums the view for a query. */
export function fleetNumbers(view: FleetView, query: MetricsQuery): FleetNumbers {
  const states = view.states('requests');
  const clock = clockOf(states);
  const span = spanOf(clock, query.window === 'all' ? Infinity : WINDOW_MS[query.window]);
  const totalsByModel = totalsBy(states, groupingOf(query));
  const peakRunning = Math.max(0, ...states.map((state) => state.peakRunning));
  const window = query.window === 'all' ? allTime(states, query, peakRunning) : windowed(view, states, query, span);
  const gpuStates = view.states('gpus');
  return {
    query,
    clock,
    span,
    totals: totalOf(totalsByModel.values()),
    totalsByModel,
    figures: mergedOf(window.groups.values()),
    figuresByModel: window.groups,
    peakRunning,
    windowPeakRunning: window.peakRunning,
    gpus: latestReadings(gpuStates),
    gpuClock: clockOf(gpuStates),
  };
}

function allTime(states: readonly PartitionState[], query: MetricsQuery, peakRunning: number): WindowFigures {
  return { groups: allTimeBy(states, groupingOf(query)), peakRunning };
}

function windowed(view: FleetView, states: readonly PartitionState[], query: MetricsQuery, { fromMs }: Span): WindowFigures {
  const isForAll = query.model === undefined && query.tenant === undefined;
  return isForAll ? view.windows.byModel(states, fromMs) : view.windows.by(states, fromMs, groupingOf(query));
}

/** By model, without what the query leaves out. */
function groupingOf({ model, tenant }: MetricsQuery): GroupBy {
  const isWanted = (labels: SeriesLabels): boolean =>
    (model === undefined || labels.model === model) && (tenant === undefined || labels.tenant === tenant);
  return (labels) => (isWanted(labels) ? labels.model : undefined);
}

function totalOf(all: Iterable<Totals>): Totals {
  const sum = new Totals();
  for (const totals of all) sum.add(totals);
  return sum;
}
