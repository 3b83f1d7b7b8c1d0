import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compress, LabelSet, render, type Family } from '#libs/exposition';
import type { BenchRow } from './bench-row.js';
import { histograms } from './exposition/contents.js';
import { measure, type Measured } from './exposition/measure.js';
import { familiesOf, WRITERS } from './exposition/writers.js';

/** As many histograms as the vLLM and GenAI names have together, with the 22 edges of a latency. */
const HISTOGRAMS = 20;
const LARGE_FLEET = 250;
const TYPICAL_FLEET = 10;
/** Counters and gauges of the same names, each with as many series as there are models, or reasons to finish for each. */
const VALUES = 30;
const CHILD = fileURLToPath(new URL('exposition/child.js', import.meta.url));

function barred(name: string, value: number, unit: string, bar: number): BenchRow {
  return { name, value, unit, bar: `<= ${bar}`, met: value <= bar };
}

interface MeasuredAlone extends Measured {
  /** Of the text. */
  readonly bytes: number;
  /** With what the library keeps of the series. */
  readonly inUseBytes: number;
}

function measuredAlone(writer: string): MeasuredAlone {
  const args = ['--expose-gc', CHILD, writer, String(HISTOGRAMS), String(LARGE_FLEET)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 120_000 })) as MeasuredAlone;
}

function largeRows(): readonly BenchRow[] {
  const [ours, ...others] = Object.keys(WRITERS).map((writer) => ({ writer, ...measuredAlone(writer) }));
  const { medianMs, firstMs, blockMs, blockCpuMs, bytes, inUseBytes, residentBytes } = ours!;
  return [
    barred('5000 histogram series, 22 buckets: a scrape', medianMs, 'ms', 50),
    { name: 'the first scrape of a process', value: firstMs, unit: 'ms' },
    barred('longest block of the event loop, median scrape', blockMs, 'ms', 20),
    barred('longest block of the event loop, all scrapes', blockCpuMs, 'ms CPU', 20),
    { name: 'text', value: bytes / 1e6, unit: 'MB' },
    barred('memory in use beyond the text, label sets included', (inUseBytes - bytes) / 1e6, 'MB', 20),
    { name: 'resident memory, 30 scrapes in a row', value: residentBytes / 1e6, unit: 'MB' },
    ...others.flatMap((other) => [
      { name: `${other.writer}: a scrape`, value: other.medianMs, unit: 'ms' },
      { name: `${other.writer}: longest block, median scrape`, value: other.blockMs, unit: 'ms' },
      { name: `${other.writer}: resident memory, 30 scrapes`, value: other.residentBytes / 1e6, unit: 'MB' },
    ]),
  ];
}

/** All families of the vLLM and GenAI names for ten models. */
function typicalFamilies(): readonly Family[] {
  const models = Array.from({ length: TYPICAL_FLEET }, (_unused, index) => new LabelSet({ model_name: `model-${index}`, engine: '0' }));
  const values = Array.from({ length: VALUES }, (_unused, index): Family => {
    const head = { name: `vllm:quantity_${index}_total`, type: 'counter', help: `Quantity ${index} of all finished requests.` } as const;
    return { head, samples: models.map((labels, value) => ({ labels, value: 1_000 * value + index })) };
  });
  return [...familiesOf(histograms(HISTOGRAMS, TYPICAL_FLEET)), ...values];
}

async function compressedRows(): Promise<readonly BenchRow[]> {
  const text = await render(familiesOf(histograms(HISTOGRAMS, LARGE_FLEET)), 'openmetrics');
  const { medianMs, blockCpuMs } = await measure(() => compress(text));
  return [
    { name: 'gzip, on another thread', value: medianMs, unit: 'ms' },
    { name: 'gzip, longest block of the event loop', value: blockCpuMs, unit: 'ms CPU' },
    { name: 'gzip, size', value: (await compress(text)).length / 1e6, unit: 'MB' },
  ];
}

/** The text for Prometheus: a large fleet, beside the stock writers with the same content in processes of their own, and a typical one. */
export async function run(): Promise<BenchRow[]> {
  const typical = typicalFamilies();
  const { medianMs, firstMs } = await measure(() => render(typical, 'openmetrics'));
  return [
    ...largeRows(),
    ...(await compressedRows()),
    barred('10 models, 200 histogram series and 300 others: a scrape', medianMs, 'ms', 5),
    { name: 'the same, the first scrape of a process', value: firstMs, unit: 'ms' },
  ];
}
