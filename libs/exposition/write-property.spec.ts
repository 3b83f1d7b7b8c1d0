import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseOpenMetrics } from '../../test/support/openmetrics.js';
import type { ParsedExemplar, ParsedFamily } from '../../test/support/parsed-family.js';
import { withoutExemplars, written } from './families.fixture.js';
import type { Exemplar, Family, HistogramFamily, ValueFamily } from './families.js';
import { LabelSet } from './label-set.js';
import { boundText } from './numbers.js';

/** Any text at all, lone surrogates included, with more of what is escaped than chance would have. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\\', '"', '\n', '{', '}', ',', '=', '#', ' ', '\r', '\0', 'n'),
    fc.integer({ min: 0, max: 0xff_ff }).map((code) => String.fromCharCode(code)),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  ),
});
const exemplar = fc.record({
  labels: fc.dictionary(fc.constantFrom('trace_id', 'span_id'), fc.string({ maxLength: 50 })),
  value: fc.double({ min: 0, max: 1e9, noNaN: true }),
  timestampMs: fc.option(fc.integer({ min: 0, max: 4e12 }), { nil: undefined }),
});
const amount = fc.double({ min: 0, noNaN: true });
const edgeSet = fc
  .uniqueArray(fc.double({ min: 0, max: 1e12, noNaN: true }).map((edge) => edge + 0))
  .map((edges) => edges.toSorted((a, b) => a - b));

/** One to four series whose labels differ when they are well-formed. */
function seriesOf<T>(what: fc.Arbitrary<T>): fc.Arbitrary<[Record<string, string>, T][]> {
  const labels = fc.record({ model: anyText, tenant: anyText }, { requiredKeys: ['model'] });
  return fc.uniqueArray(fc.tuple(labels, what), { selector: ([of]) => of.model.toWellFormed(), minLength: 1, maxLength: 4 });
}
const labelled = <T extends object>(series: readonly [Record<string, string>, T][]) =>
  series.map(([labels, sample]) => ({ labels: new LabelSet(labels), ...sample }));

const gauge = fc
  .tuple(anyText, seriesOf(fc.record({ value: fc.double() })))
  .map(([help, series]): ValueFamily => ({ head: { name: 'a_gauge', type: 'gauge', help }, samples: labelled(series) }));
const counter = fc
  .tuple(
    fc.constantFrom('b_total', 'b:c_total', 'b'),
    anyText,
    seriesOf(fc.record({ value: amount, exemplar: fc.option(exemplar, { nil: undefined }) })),
  )
  .map(([name, help, series]): ValueFamily => ({ head: { name, type: 'counter', help }, samples: labelled(series) }));
const histogram = edgeSet.chain((edges) =>
  seriesOf(
    fc.record({
      cells: fc.array(fc.nat(1e9), { minLength: edges.length + 1, maxLength: edges.length + 1 }),
      sum: amount,
      // Of the last cell: any value may stand there that is above the last edge.
      exemplars: fc.option(
        exemplar.map((one) => [...edges.map(() => undefined), { ...one, value: one.value + 2e12 }]),
        { nil: undefined },
      ),
    }),
  ).map((series): HistogramFamily => ({
    head: { name: 'd_seconds', type: 'histogram', help: '', unit: 'seconds' },
    edges,
    samples: labelled(series),
  })),
);

const wellFormed = (labels: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, value.toWellFormed()]));

function parsedExemplar(given: Exemplar | undefined): ParsedExemplar | undefined {
  if (given === undefined) return undefined;
  const { labels, value, timestampMs } = given;
  return { labels: wellFormed(labels), value: value + 0, timestampSeconds: timestampMs === undefined ? undefined : timestampMs / 1000 };
}

/** What a reader should find. */
function expected(family: Family): ParsedFamily {
  const { name, type, help, unit } = family.head;
  const isTotal = name.endsWith('_total');
  const shownType = type === 'counter' && !isTotal ? 'unknown' : type;
  const shown = { name: name.replace(/_total$/, ''), type: shownType, help: help.toWellFormed(), unit };
  if (family.edges === undefined) {
    const samples = [...family.samples].map((sample) => ({
      name,
      labels: wellFormed(sample.labels.labels),
      value: sample.value + 0,
      exemplar: isTotal ? parsedExemplar(sample.exemplar) : undefined,
    }));
    return { ...shown, samples };
  }
  const bounds = [...family.edges.map((edge) => boundText(edge)), '+Inf'];
  const samples = [...family.samples].flatMap(({ labels: { labels }, cells, sum, exemplars }) => {
    let below = 0;
    const buckets = bounds.map((le, cell) => ({
      name: `${name}_bucket`,
      labels: { ...wellFormed(labels), le },
      value: (below += cells[cell]!),
      exemplar: parsedExemplar(exemplars?.[cell]),
    }));
    const rest = { labels: wellFormed(labels), exemplar: undefined };
    return [...buckets, { name: `${name}_sum`, value: sum + 0, ...rest }, { name: `${name}_count`, value: below, ...rest }];
  });
  return { ...shown, samples };
}

const sampleLines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('whatever is written', () => {
  it('is read back as it was', () => {
    fc.assert(
      fc.property(gauge, counter, histogram, (...families) => {
        expect(parseOpenMetrics(written(families, 'openmetrics'))).toEqual(families.map(expected));
      }),
    );
  });

  it('has the same samples in both formats, but for exemplars', () => {
    fc.assert(
      fc.property(gauge, counter, histogram, (...families) => {
        const bare = written(families.map(withoutExemplars), 'openmetrics');
        expect(sampleLines(written(families, 'text'))).toEqual(sampleLines(bare));
      }),
    );
  });
});
