export { ExactSum } from './exact-sum.js';
export { QuantileSketch } from './quantile-sketch.js';
