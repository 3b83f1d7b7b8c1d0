import { QuantileSketch } from '#libs/sketch';
import type { BenchRow } from './bench-row.js';

const VALUES = 1_000_000;
const ROUNDS = 7;
const INSERT_BAR_NS = 30;
const MERGE_BAR_US = 5;
const SIZE_BAR_BYTES = 1024;

/** Durations in seconds as a server has them: log-normal around 0.4 s, the same ones in every run. */
function durations(count: number): Float64Array {
  let state = 20_261;
  const next = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  return Float64Array.from({ length: count }, () => Math.exp(Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next()) - 1));
}

function sketchOf(values: Float64Array): QuantileSketch {
  const sketch = new QuantileSketch();
  for (let at = 0; at < values.length; at += 1) sketch.add(values[at]!);
  return sketch;
}

/** The shortest time of several rounds, per repetition, in nanoseconds: what the work takes when nothing else disturbs it. */
function bestNs(repetitions: number, work: () => void): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.hrtime.bigint();
    work();
    return Number(process.hrtime.bigint() - start);
  });
  return Math.min(...rounds) / repetitions;
}

function repeat(times: number, work: () => void): number {
  return bestNs(times, () => {
    for (let round = 0; round < times; round += 1) work();
  });
}

/** The quantile sketch: time to insert and merge, size when serialised. */
export async function run(): Promise<BenchRow[]> {
  const values = durations(VALUES);
  const insertNs = bestNs(VALUES, () => void sketchOf(values));
  const large = sketchOf(values);
  const bytes = large.encode();
  const target = new QuantileSketch();
  const mergeUs = repeat(10_000, () => target.merge(large)) / 1000;
  const size = sketchOf(values.subarray(0, 1_000)).encode().byteLength;
  return [
    { name: 'insert', value: insertNs, unit: 'ns', bar: `<= ${INSERT_BAR_NS}`, met: insertNs <= INSERT_BAR_NS },
    { name: 'merge of 1,000,000 values', value: mergeUs, unit: 'µs', bar: `<= ${MERGE_BAR_US}`, met: mergeUs <= MERGE_BAR_US },
    { name: 'serialised, 1,000 values', value: size, unit: 'bytes', bar: `<= ${SIZE_BAR_BYTES}`, met: size <= SIZE_BAR_BYTES },
    { name: 'serialised, 1,000,000 values', value: bytes.byteLength, unit: 'bytes' },
    { name: 'quantile of 1,000,000 values', value: repeat(10_000, () => void large.quantile(0.95)) / 1000, unit: 'µs' },
    { name: 'encode 1,000,000 values', value: repeat(2_000, () => void large.encode()) / 1000, unit: 'µs' },
    { name: 'decode 1,000,000 values', value: repeat(2_000, () => void QuantileSketch.decode(bytes)) / 1000, unit: 'µs' },
  ];
}
