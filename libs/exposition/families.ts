import type { LabelSet, Labels } from './label-set.js';

export type FamilyType = 'counter' | 'gauge' | 'histogram';

/** What is said once of all series of one name. */
export interface FamilyHead<Type extends FamilyType = FamilyType> {
  /** As it stands in the text 0.0.4: a counter's with its `_total`, if it has one; a histogram's without `_bucket`, `_sum` and `_count`. */
  readonly name: string;
  readonly type: Type;
  readonly help: string;
  /** Shown in OpenMetrics, if the name ends in it (before `_total`): `seconds`. */
  readonly unit?: string | undefined;
}

/** One observation that a count stands for, shown in OpenMetrics only. Labels of more than 128 characters, names included, are not shown. */
export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  readonly timestampMs?: number | undefined;
}

export interface Sample {
  readonly labels: LabelSet;
  readonly value: number;
  /** Shown on counters whose name ends in `_total`. */
  readonly exemplar?: Exemplar | undefined;
}

export interface HistogramSample {
  readonly labels: LabelSet;
  /** How many observations fell into each cell, not cumulated: one for each edge, and one for what lies above the last. */
  readonly cells: ArrayLike<number>;
  readonly sum: number;
  /** At the index of their cell. */
  readonly exemplars?: readonly (Exemplar | undefined)[] | undefined;
}

export interface ValueFamily {
  readonly head: FamilyHead<'counter' | 'gauge'>;
  readonly edges?: undefined;
  readonly samples: Iterable<Sample>;
}

export interface HistogramFamily {
  readonly head: FamilyHead<'histogram'>;
  /** Upper bounds, ascending, without the infinite one; a value equal to an edge belongs to that cell. */
  readonly edges: readonly number[];
  readonly samples: Iterable<HistogramSample>;
}

/** One metric with all its series. Samples are read once, while they are written: a generator may make them one by one. */
export type Family = ValueFamily | HistogramFamily;
