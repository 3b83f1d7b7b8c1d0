export { LabelSet, NO_LABELS, type Labels } from './label-set.js';
export type { Exemplar, Family, FamilyHead, FamilyType, HistogramFamily, HistogramSample, Sample, ValueFamily } from './families.js';
export { acceptsGzip, CONTENT_TYPES, formatFor, type ExpositionFormat } from './formats.js';
export { compress, render } from './render.js';
export { SharedRendering } from './shared-rendering.js';
export { write } from './write.js';
