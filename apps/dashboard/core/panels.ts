import type { AlertDocument, GpuDocument, MetricsDocument, ServiceStatus } from '#libs/contracts';
import { cellsOf, cutTo, padTo, type Line, type Style } from './cells.js';
import type { Messages } from './messages.js';
import { duration, memory, percent, rate, seconds } from './numbers.js';
import { barCells, columns, field, heading, indented, statistics, UNKNOWN } from './pieces.js';

/** One line of a panel. `right` is set against the right border, and left out where there is no room for it. */
export interface Row {
  readonly left: Line;
  readonly right?: Line;
}

/** What a panel may know of the frame. */
export interface Place {
  readonly words: Messages;
  /** Columns between the borders. */
  readonly inner: number;
}

/** A probe reads every second. */
const STALE_READING_SECONDS = 10;
const GPU_TARGET_PERCENT = 90;

export function requestRows(document: MetricsDocument, { words, inner }: Place): readonly Row[] {
  const { waiting, running, total, max_concurrent: limit } = document.requests;
  const fields = [field(words.waiting, String(waiting)), field(words.running, String(running)), field(words.total, String(total))];
  const share = limit > 0 ? running / limit : 0;
  const label = indented(inner, `${words.concurrency}: `);
  const room = inner - label.length - 10;
  return [
    { left: heading('📊', words.requests) },
    { left: columns(fields, inner) },
    { left: [...label, ...barCells(share, room, share >= 1), ...cellsOf(` ${running}/${limit > 0 ? limit : UNKNOWN}`, 'strong')] },
  ];
}

export function sloRows(document: MetricsDocument, { words, inner }: Place): readonly Row[] {
  const { ttft, throughput, targets, sample_size: samples } = document.slo;
  const latency = (value: number) => (samples > 0 ? seconds(value) : UNKNOWN);
  const p95Met = targets.find(({ name }) => name === 'ttft_p95')?.met;
  const ttftFields = [
    field('Mean', latency(ttft.mean)),
    field('P50', latency(ttft.p50)),
    field('P95', latency(ttft.p95), samples > 0 && p95Met === false ? 'warning' : 'strong'),
    field('P99', latency(ttft.p99)),
  ];
  const rates = [
    field('Mean', decodeRate(throughput.decoding_mean)),
    field('P50', decodeRate(throughput.decoding_p50)),
    field('Total', rate(throughput.total)),
  ];
  return [
    { left: heading('⏱️', words.slo), right: targetCells(targets, words) },
    { left: statistics('TTFT', ttftFields, '', inner) },
    { left: statistics('Throughput', rates, ' tok/s', inner) },
  ];
}

/** The set as one bar, then, of several GPUs, as many as `room` lines hold. */
export function gpuRows(document: MetricsDocument, { words, inner }: Place, room: number): readonly Row[] {
  const { gpu, gpus } = document;
  if (gpu.total_gb <= 0) return [{ left: heading('💾', words.gpu) }, { left: indented(inner, words.noGpu, 'dim') }];
  const each = gpus.length > 1 ? gpus.slice(0, Math.max(0, room)) : [];
  const hidden = gpus.length > 1 ? gpus.length - each.length : 0;
  const age = document.data_quality.gpu_reading_age_seconds;
  const labels = gpuLabels(gpus);
  return [
    { left: [...heading('💾', words.gpu), ...cellsOf(`  ${gpu.name}`)], right: cellsOf(hidden > 0 ? words.more(hidden) : '', 'dim') },
    {
      left: memoryCells(indented(inner), gpu, inner),
      right: cellsOf(age > STALE_READING_SECONDS ? words.age(duration(age, words.units)) : '', 'warning'),
    },
    ...each.map((one, index) => ({ left: memoryCells([...indented(inner), ...labels[index]!], one, inner) })),
  ];
}

/** The gravest alerts first, as many as `room` lines hold. */
export function alertRows(document: MetricsDocument, { words, inner }: Place, room: number): readonly Row[] {
  const sorted = document.alerts.toSorted((a, b) => Number(b.level === 'critical') - Number(a.level === 'critical'));
  const shown = sorted.slice(0, Math.max(1, room));
  const hidden = sorted.length - shown.length;
  const title = { left: heading('🔔', words.alerts), right: hidden > 0 ? cellsOf(words.more(hidden), 'warning') : [] };
  if (shown.length === 0) return [title, { left: indented(inner, words.none, 'dim') }];
  return [title, ...shown.map((alert) => alertRow(alert, document.timestamp, words, inner))];
}

/** The style in which a status is shown. */
export function styleOfStatus(status: ServiceStatus): Style {
  if (status === 'healthy') return 'good';
  return status === 'critical' ? 'critical' : 'warning';
}

/** The word for a value of the server's: its own name, if a newer server has one that is not known here. */
export function wordFor(words: Readonly<Record<string, string>>, value: string): string {
  return Object.hasOwn(words, value) ? words[value]! : value;
}

function alertRow(alert: AlertDocument, timestamp: string, words: Messages, inner: number): Row {
  const standsSeconds = (Date.parse(timestamp) - Date.parse(alert.since)) / 1000;
  const left = [
    ...indented(inner),
    ...padTo(cellsOf(wordFor(words.levels, alert.level), alert.level === 'critical' ? 'critical' : 'warning'), levelWidth(words)),
    ...cellsOf(alert.state === 'unknown' ? ` ${words.stale}` : '', 'dim'),
    ...cellsOf(`  ${alert.message || alert.name}`),
  ];
  return Number.isFinite(standsSeconds)
    ? { left, right: cellsOf(words.lasting(duration(standsSeconds, words.units, 1)), 'dim') }
    : { left };
}

/** No rate is 0: nothing was decoded yet. */
function decodeRate(value: number): string {
  return value > 0 ? rate(value) : UNKNOWN;
}

function levelWidth({ levels }: Messages): number {
  return Math.max(...Object.values(levels).map((word) => cellsOf(word).length));
}

function targetCells(targets: MetricsDocument['slo']['targets'], words: Messages): Line {
  if (targets.length === 0) return [];
  const missed = targets.filter(({ met }) => !met).map(({ name }) => wordFor(words.targetNames, name));
  if (missed.length > 0) return cellsOf(`${words.targetsMissed}: ${missed.join(', ')}`, 'warning');
  return cellsOf(`${words.targets} ${targets.length}/${targets.length}`, 'good');
}

function gpuLabels(gpus: readonly GpuDocument[]): readonly Line[] {
  const manyHosts = new Set(gpus.map(({ host }) => host)).size > 1;
  const labels = gpus.map((gpu) => cutTo(cellsOf(manyHosts ? `${gpu.host}/${gpu.index}` : `#${gpu.index}`), 20));
  const width = Math.max(0, ...labels.map(({ length }) => length)) + 1;
  return labels.map((label) => padTo(label, width));
}

function memoryCells(
  label: Line,
  gpu: { readonly allocated_gb: number; readonly total_gb: number; readonly utilization_percent: number },
  inner: number,
): Line {
  const figures = `${memory(gpu.allocated_gb, gpu.total_gb)}  ${percent(gpu.utilization_percent)}`;
  const isFull = gpu.utilization_percent > GPU_TARGET_PERCENT;
  const room = inner - label.length - figures.length - 4;
  return [...label, ...barCells(gpu.utilization_percent / 100, room, isFull), ...cellsOf(` ${figures}`, isFull ? 'warning' : 'strong')];
}
