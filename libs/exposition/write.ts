import type { Exemplar, Family, FamilyHead, HistogramFamily, HistogramSample, Sample } from './families.js';
import type { ExpositionFormat } from './formats.js';
import { labelText, type LabelSet } from './label-set.js';
import { boundText, valueText } from './numbers.js';

const TOTAL = '_total';
/** Of all names and values of an exemplar's labels together, as OpenMetrics has it. */
const MAX_EXEMPLAR_CHARACTERS = 128;
/** So little is written in well under a millisecond, and so much that handing it over costs nothing. */
const CHUNK_CHARACTERS = 64 * 1024;

/**
 * Writes families while it reads them. Yields the text in chunks of 64 Ki characters and what the last series takes beyond that; it is well-formed,
 * and to be sent in UTF-8. Throws what reading the samples throws.
 */
export function* write(families: Iterable<Family>, format: ExpositionFormat): Generator<string, void, undefined> {
  let text = '';
  for (const piece of pieces(families, format)) {
    text += piece;
    if (text.length < CHUNK_CHARACTERS) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

function* pieces(families: Iterable<Family>, format: ExpositionFormat): Generator<string, void, undefined> {
  for (const family of families) {
    yield headText(family.head, format);
    if (family.edges === undefined) {
      for (const sample of family.samples) yield sampleText(family.head.name, sample, format);
    } else {
      const bounds = boundsOf(family);
      for (const sample of family.samples) yield histogramText(family.head.name, bounds, sample, format);
    }
  }
  if (format === 'openmetrics') yield '# EOF\n';
}

function headText(head: FamilyHead, format: ExpositionFormat): string {
  const help = head.help.toWellFormed().replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  if (format === 'text') return `# HELP ${head.name} ${help}\n# TYPE ${head.name} ${head.type}\n`;
  const [name, type] = openMetricsNaming(head);
  const unit = head.unit !== undefined && name.endsWith(`_${head.unit}`) ? `# UNIT ${name} ${head.unit}\n` : '';
  return `# TYPE ${name} ${type}\n${unit}# HELP ${name} ${help.replaceAll('"', String.raw`\"`)}\n`;
}

/** In OpenMetrics a counter's sample ends in `_total` and its family does not; any other counter can only be `unknown`. */
function openMetricsNaming({ name, type }: FamilyHead): readonly [string, string] {
  if (type !== 'counter') return [name, type];
  return name.endsWith(TOTAL) ? [name.slice(0, -TOTAL.length), type] : [name, 'unknown'];
}

function sampleText(name: string, { labels, value, exemplar }: Sample, format: ExpositionFormat): string {
  const shown = format === 'openmetrics' && exemplar && name.endsWith(TOTAL) ? exemplarText(exemplar) : '';
  return `${name}${braced(labels)} ${valueText(value)}${shown}\n`;
}

/** What follows `le="` in the lines of a family, up to the count. */
function boundsOf({ edges }: HistogramFamily): readonly string[] {
  return [...edges, Number.POSITIVE_INFINITY].map((edge) => `${boundText(edge)}"} `);
}

function histogramText(name: string, bounds: readonly string[], sample: HistogramSample, format: ExpositionFormat): string {
  const { labels, cells, sum } = sample;
  const exemplars = format === 'openmetrics' ? sample.exemplars : undefined;
  const start = `${name}_bucket{${labels.text}${labels.text === '' ? '' : ','}le="`;
  let [text, count] = ['', 0];
  for (let cell = 0; cell < bounds.length; cell += 1) {
    count += cells[cell]!;
    const exemplar = exemplars?.[cell];
    text += `${start}${bounds[cell]}${count}${exemplar ? exemplarText(exemplar) : ''}\n`;
  }
  return `${text}${name}_sum${braced(labels)} ${valueText(sum)}\n${name}_count${braced(labels)} ${valueText(count)}\n`;
}

function braced({ text }: LabelSet): string {
  return text === '' ? '' : `{${text}}`;
}

/** Nothing where it is longer than OpenMetrics allows. */
function exemplarText({ labels, value, timestampMs }: Exemplar): string {
  const said = Object.entries(labels).flat().join('');
  // Some characters are two in the string: only a long one must be counted.
  if (said.length > MAX_EXEMPLAR_CHARACTERS && Array.from(said).length > MAX_EXEMPLAR_CHARACTERS) return '';
  const time = timestampMs === undefined ? '' : ` ${timestampMs / 1000}`;
  return ` # {${labelText(labels)}} ${valueText(value)}${time}`;
}
