import { ERROR_TYPES } from '#libs/contracts';
import { isTraceId } from './exemplar.js';
import type { Histogram } from './histograms.js';
import type { Series } from './series.js';

/** The exemplars of each histogram that has some, by the histogram's name in the series. */
export type SeriesExemplarsJson = Readonly<Record<string, readonly ExemplarJson[]>>;
type ExemplarJson = readonly [traceId: string, value: number, timestampMs: number];

/** Undefined where the series has none. */
export function exemplarsJson(series: Series): SeriesExemplarsJson | undefined {
  const found: Record<string, readonly ExemplarJson[]> = {};
  for (const [name, { exemplars }] of tracedHistograms(series)) {
    if (exemplars.length === 0) continue;
    found[name] = exemplars.flatMap((exemplar) => (exemplar ? [[exemplar.traceId, exemplar.value, exemplar.timestampMs] as const] : []));
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

/** Puts them back. Throws if they are not what `exemplarsJson` gives for these histograms: nothing but a trace id may pass for one. */
export function restoreExemplars(series: Series, json: SeriesExemplarsJson): void {
  const histograms = new Map(tracedHistograms(series));
  for (const [name, exemplars] of Object.entries(json)) {
    const histogram = histograms.get(name);
    if (!histogram) throw new Error('exemplars of a histogram that is not there');
    for (const [traceId, value, timestampMs] of exemplars) {
      if (!isTraceId(traceId) || !Number.isFinite(value) || !Number.isFinite(timestampMs)) throw new Error('an exemplar that is none');
      histogram.putExemplar({ traceId, value, timestampMs });
    }
  }
}

/** The log's clock was set back: none is later than `timeMs`. */
export function turnBackExemplars(series: Series, timeMs: number): void {
  for (const [, histogram] of tracedHistograms(series)) histogram.turnBack(timeMs);
}

/** Those that the fold gives exemplars to, by names that stay. */
function* tracedHistograms({ ended, engines }: Series): Generator<readonly [name: string, histogram: Histogram]> {
  yield ['ttft', ended.ttft];
  yield ['duration', ended.duration];
  for (const [type, durations] of ended.failed.entries()) if (durations) yield [`failed/${ERROR_TYPES[type]}`, durations];
  for (const [index, figures] of engines.entries()) {
    if (!figures) continue;
    yield [`engine/${index}/ttft`, figures.histograms.of('ttft')];
    yield [`engine/${index}/latency`, figures.histograms.of('latency')];
  }
}
