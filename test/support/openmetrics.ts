import { checkHistograms } from './openmetrics-histograms.js';
import { labelKey, numberOf, type ParsedExemplar, type ParsedFamily, type ParsedSample } from './parsed-family.js';

/** The types that are read here, and the endings of their samples. */
const ENDINGS: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  unknown: [''],
};
const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const ESCAPED = String.raw`(?:[^"\\\n]|\\["\\n])*`;
const LABEL = `[a-zA-Z_][a-zA-Z0-9_]*="${ESCAPED}"`;
const LABELS = `\\{(?:${LABEL}(?:,${LABEL})*)?\\}`;
const NUMBER = String.raw`[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|Inf)|NaN`;
const META_LINE = new RegExp(`^# (TYPE|HELP|UNIT) (${NAME}) (${ESCAPED})$`);
const SAMPLE_LINE = new RegExp(`^(${NAME})(${LABELS})? (${NUMBER})(?: # (${LABELS}) (${NUMBER})(?: (${NUMBER}))?)?$`);
const MAX_EXEMPLAR_CHARACTERS = 128;

/**
 * Reads OpenMetrics 1.0 as its text says, more strictly than Prometheus does; throws what is wrong, with its line. Only for what we write: no
 * timestamps, no `_created`, no other types than those above. https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export function parseOpenMetrics(text: string): readonly ParsedFamily[] {
  if (!text.isWellFormed()) throw new Error('a lone surrogate');
  if (!text.endsWith('# EOF\n')) throw new Error('no # EOF at the end');
  const reader = new Reader();
  for (const [index, line] of text.split('\n').slice(0, -2).entries()) {
    try {
      reader.read(line);
    } catch (error) {
      throw new Error(`line ${index + 1}, ${line}: ${(error as Error).message}`, { cause: error });
    }
  }
  const families = reader.families();
  for (const family of families) check(family);
  checkClashes(families);
  return families;
}

/** A family that is being read. */
interface Building {
  readonly name: string;
  readonly said: Map<string, string>;
  readonly samples: ParsedSample[];
}

class Reader {
  private readonly known = new Map<string, Building>();
  private last: Building | undefined;

  read(line: string): void {
    const [, word, name, rest] = META_LINE.exec(line) ?? [];
    if (word !== undefined) return this.readMeta(word, this.familyAt(name!), unescape(rest!));
    const sample = sampleOf(line);
    const { last } = this;
    const isOfLast = last && ENDINGS[typeOf(last)]!.some((ending) => sample.name === last.name + ending);
    (isOfLast ? last : this.familyAt(sample.name)).samples.push(sample);
  }

  families(): readonly ParsedFamily[] {
    return [...this.known.values()].map((family) => {
      const { name, said, samples } = family;
      return { name, type: typeOf(family), help: said.get('HELP'), unit: said.get('UNIT'), samples };
    });
  }

  private readMeta(word: string, { said, samples }: Building, rest: string): void {
    if (said.has(word)) throw new Error(`a second ${word}`);
    if (samples.length > 0) throw new Error(`${word} after samples`);
    if (word === 'TYPE' && !Object.hasOwn(ENDINGS, rest)) throw new Error(`the type ${rest}`);
    said.set(word, rest);
  }

  /** The family that is being read, or a new one: nothing comes back to what was left. */
  private familyAt(name: string): Building {
    if (this.last?.name === name) return this.last;
    if (this.known.has(name)) throw new Error(`${name} is not in one piece`);
    this.last = { name, said: new Map(), samples: [] };
    this.known.set(name, this.last);
    return this.last;
  }
}

function typeOf({ said }: Building): string {
  return said.get('TYPE') ?? 'unknown';
}

function sampleOf(line: string): ParsedSample {
  const [, name, labels = '{}', value, exemplarLabels, exemplarValue, exemplarTime] = SAMPLE_LINE.exec(line) ?? [];
  if (name === undefined) throw new Error('not a line of OpenMetrics');
  const exemplar = exemplarLabels === undefined ? undefined : exemplarOf(exemplarLabels, exemplarValue!, exemplarTime);
  return { name, labels: labelsOf(labels), value: numberOf(value!), exemplar };
}

function exemplarOf(labels: string, value: string, time: string | undefined): ParsedExemplar {
  const read = labelsOf(labels);
  if (Array.from(Object.entries(read).flat().join('')).length > MAX_EXEMPLAR_CHARACTERS)
    throw new Error('the labels of an exemplar are too long');
  return { labels: read, value: numberOf(value), timestampSeconds: time === undefined ? undefined : numberOf(time) };
}

function labelsOf(braced: string): Readonly<Record<string, string>> {
  const pairs = [...braced.matchAll(new RegExp(`([a-zA-Z_][a-zA-Z0-9_]*)="(${ESCAPED})"`, 'g'))].map(
    ([, name, value]) => [name!, unescape(value!)] as const,
  );
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) throw new Error('a label twice');
  return Object.fromEntries(pairs);
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_escaped, character: string) => (character === 'n' ? '\n' : character));
}

function check(family: ParsedFamily): void {
  const { name, type, unit, samples } = family;
  if (unit !== undefined && !name.endsWith(`_${unit}`)) throw new Error(`${name} does not end in its unit ${unit}`);
  const series = samples.map((sample) => sample.name + labelKey(sample.labels));
  if (new Set(series).size < series.length) throw new Error(`${name} has a series twice`);
  for (const sample of samples) {
    const counts = type === 'counter' || type === 'histogram';
    if (counts && !(sample.value >= 0)) throw new Error(`${sample.name} counts ${sample.value}`);
    const mayHaveExemplar = type === 'counter' || sample.name === `${name}_bucket`;
    if (sample.exemplar && !mayHaveExemplar) throw new Error(`${sample.name} has an exemplar`);
  }
  if (type === 'histogram') checkHistograms(family);
}

/** No name of a sample may belong to two families: `a` of type counter and `a_total` of type gauge. */
function checkClashes(families: readonly ParsedFamily[]): void {
  const names = families.flatMap(({ name, type }) => [...new Set([name, ...ENDINGS[type]!.map((ending) => name + ending)])]);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${twice} belongs to two families`);
}
