export type ExpositionFormat = 'text' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** Versions of each media type that are the same as ours, or say nothing. */
const OPENMETRICS = /^application\/openmetrics-text(;version=1\.0\.0)?$/;
const TEXT = /^text\/plain(;version=0\.0\.4)?$/;

/** The format for a client's `Accept`: OpenMetrics 1.0 if it names that and likes it best, else the text format 0.0.4. */
export function formatFor(accept: string | undefined): ExpositionFormat {
  const ranges = rangesOf(accept);
  const openMetrics = weightOf(ranges, OPENMETRICS) ?? 0;
  const text = weightOf(ranges, TEXT);
  const anything = Math.max(weightOf(ranges, /^text\/\*$/) ?? 0, weightOf(ranges, /^\*\/\*$/) ?? 0);
  const isPreferred = text === undefined ? openMetrics >= anything : openMetrics > text;
  return openMetrics > 0 && isPreferred ? 'openmetrics' : 'text';
}

/** Whether a client's `Accept-Encoding` allows gzip. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const ranges = rangesOf(acceptEncoding);
  return (weightOf(ranges, /^(x-)?gzip$/) ?? weightOf(ranges, /^\*$/) ?? 0) > 0;
}

interface Range {
  /** Lower case, with its version and without other parameters. */
  readonly name: string;
  readonly weight: number;
}

function rangesOf(header: string | undefined): readonly Range[] {
  return (header ?? '').split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase().replaceAll('"', ''));
    const version = parameters.find((parameter) => parameter.startsWith('version='));
    const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    return { name: version === undefined ? type : `${type};${version}`, weight: Number.isNaN(weight) ? 0 : weight };
  });
}

function weightOf(ranges: readonly Range[], pattern: RegExp): number | undefined {
  const weights = ranges.filter(({ name }) => pattern.test(name)).map(({ weight }) => weight);
  return weights.length === 0 ? undefined : Math.max(...weights);
}
