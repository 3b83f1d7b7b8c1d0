import { labelKey, numberOf, type ParsedFamily, type ParsedSample } from './parsed-family.js';

const CANONICAL_BOUND = /^(\d+\.\d+|\d(\.\d+)?e[+-]\d\d+|\+Inf)$/;

/** Throws what is wrong with the series of a histogram: each in one piece, bounds ascending as floats, counts cumulated up to `_count`. */
export function checkHistograms({ name, samples }: ParsedFamily): void {
  const pieces = new Map<string, ParsedSample[]>();
  let last: string | undefined;
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    if ((le === undefined) === (sample.name === `${name}_bucket`)) throw new Error(`${sample.name} and le="${le}"`);
    const key = labelKey(labels);
    if (key !== last && pieces.has(key)) throw new Error(`${name}${key} is not in one piece`);
    last = key;
    pieces.set(key, [...(pieces.get(key) ?? []), sample]);
  }
  for (const [key, piece] of pieces) checkOne(`${name}${key}`, name, piece);
}

function checkOne(what: string, name: string, samples: readonly ParsedSample[]): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  let [below, count] = [Number.NEGATIVE_INFINITY, 0];
  for (const { labels, value, exemplar } of buckets) {
    const bound = numberOf(labels['le']!);
    if (!CANONICAL_BOUND.test(labels['le']!)) throw new Error(`${what} has the bound ${labels['le']}`);
    if (!(bound > below)) throw new Error(`${what} has ${bound} after ${below}`);
    if (!(value >= count) || !Number.isInteger(value)) throw new Error(`${what} counts ${value} after ${count}`);
    if (exemplar && !(exemplar.value > below && exemplar.value <= bound)) throw new Error(`${what}: an exemplar is not of its bucket`);
    [below, count] = [bound, value];
  }
  if (below !== Number.POSITIVE_INFINITY) throw new Error(`${what} has no bucket +Inf`);
  const valueOf = (ending: string) => samples.find((sample) => sample.name === name + ending)?.value;
  if (valueOf('_count') !== count) throw new Error(`${what} counts ${count} in its buckets, ${valueOf('_count')} in all`);
  if (valueOf('_sum') === undefined) throw new Error(`${what} has no sum`);
}
