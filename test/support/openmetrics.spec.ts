import { describe, expect, it } from 'vitest';
import { parseOpenMetrics } from './openmetrics.js';

const GOOD = String.raw`# TYPE a_seconds counter
# UNIT a_seconds seconds
# HELP a_seconds Said \"so\", \\ and \n
a_seconds_total{of="\"x\", \\y\nz}"} 1.5 # {trace_id="ab"} 0.5 1700000000.25
a_seconds_total{of=""} 2
# TYPE b histogram
b_bucket{le="1.0",of="x"} 1 # {} 0.5
b_bucket{of="x",le="1e+06"} 1
b_bucket{of="x",le="+Inf"} 3
b_sum{of="x"} 2.5e+3
b_count{of="x"} 3
c -Inf
# TYPE d gauge
d NaN
# EOF
`;

/** What is replaced in the good text by what, and what is said then. */
const BAD: readonly (readonly [string, string, string])[] = [
  ['# EOF\n', '', 'no # EOF'],
  ['# EOF\n', '# EOF', 'no # EOF'],
  ['# EOF\n', '# EOF\n\n', 'no # EOF'],
  ['d NaN\n', 'd NaN\n# EOF\n', 'not a line'],
  ['d NaN\n', '\nd NaN\n', 'not a line'],
  ['d NaN', ' d NaN', 'not a line'],
  ['d NaN', 'd  NaN', 'not a line'],
  ['d NaN', 'd nan', 'not a line'],
  ['d NaN', 'd', 'not a line'],
  ['d NaN', 'd 1 1700000000', 'not a line'],
  ['d NaN', 'd{} 1,5', 'not a line'],
  ['d NaN', 'd{a="b",} 1', 'not a line'],
  ['d NaN', "d{a='b'} 1", 'not a line'],
  ['d NaN', 'd{a:b="c"} 1', 'not a line'],
  ['d NaN', 'd{a="b"c"} 1', 'not a line'],
  ['d NaN', String.raw`d{a="\t"} 1`, 'not a line'],
  ['d NaN', 'd{a="b",a="c"} 1', 'a label twice'],
  ['d NaN', 'd{a="\uD800"} 1', 'a lone surrogate'],
  ['d NaN', 'd 1 # {a="b"} 1', 'd has an exemplar'],
  ['d NaN', 'd_total 1\nd_total{a="b"} 1\nd 1', 'd is not in one piece'],
  ['d NaN', 'd 1\nd 1', 'd has a series twice'],
  ['d NaN', 'd{a="1",b="2"} 1\nd{b="2",a="1"} 1', 'd has a series twice'],
  ['d NaN', '# TYPE d gauge\nd 1', 'a second TYPE'],
  ['d NaN', 'd 1\n# HELP d Late', 'HELP after samples'],
  ['d NaN', '# UNIT d seconds', 'd does not end in its unit'],
  ['gauge', 'gouge', 'line 13, # TYPE d gouge: the type gouge'],
  ['c -Inf', 'a_seconds_total{of="late"} 1', 'a_seconds_total belongs to two families'],
  ['c -Inf', 'a_seconds 1', 'a_seconds is not in one piece'],
  ['c -Inf', '# TYPE b_count gauge\nb_count 1', 'b_count belongs to two families'],
  [String.raw`\"so\"`, '"so"', 'not a line'],
  ['a_seconds_total{of=""} 2', 'a_seconds_total{of=""} -2', 'a_seconds_total counts -2'],
  ['a_seconds_total{of=""} 2', 'a_seconds_total{of=""} NaN', 'a_seconds_total counts NaN'],
  ['"ab"', `"${'a'.repeat(121)}"`, 'too long'],
  ['0.5 1700000000.25', '0.5 1700000000.25 1', 'not a line'],
  ['le="1.0"', 'le="1"', 'has the bound 1'],
  ['le="1.0"', 'le="1e+6"', 'has the bound 1e+6'],
  ['le="1.0"', 'le="2e+06"', 'has 1000000 after 2000000'],
  ['1 # {} 0.5', '2', 'counts 1 after 2'],
  ['1 # {} 0.5', '0.5', 'counts 0.5 after 0'],
  ['1 # {} 0.5', '1 # {} 1.5', 'an exemplar is not of its bucket'],
  ['b_bucket{of="x",le="1e+06"} 1', 'b_bucket{of="x",le="1e+06"} 1 # {} 1', 'an exemplar is not of its bucket'],
  ['b_bucket{of="x",le="+Inf"} 3\n', '', 'has no bucket +Inf'],
  ['b_count{of="x"} 3', 'b_count{of="x"} 4', 'counts 3 in its buckets, 4 in all'],
  ['b_count{of="x"} 3\n', '', 'counts 3 in its buckets, undefined in all'],
  ['b_sum{of="x"} 2.5e+3\n', '', 'has no sum'],
  ['b_sum{of="x"} 2.5e+3', 'b_sum{of="x"} NaN', 'b_sum counts NaN'],
  ['b_sum{of="x"}', 'b_sum{of="x",le="1.0"}', 'b_sum and le="1.0"'],
  ['b_sum{of="x"}', 'b_sum{of="y"}', 'b[["of","x"]] is not in one piece'],
];

describe('parseOpenMetrics', () => {
  it('reads what is right', () => {
    const [a, b, c, d, ...rest] = parseOpenMetrics(GOOD);
    expect(a).toEqual({
      name: 'a_seconds',
      type: 'counter',
      help: 'Said "so", \\ and \n',
      unit: 'seconds',
      samples: [
        {
          name: 'a_seconds_total',
          labels: { of: '"x", \\y\nz}' },
          value: 1.5,
          exemplar: { labels: { trace_id: 'ab' }, value: 0.5, timestampSeconds: 1_700_000_000.25 },
        },
        { name: 'a_seconds_total', labels: { of: '' }, value: 2, exemplar: undefined },
      ],
    });
    expect(b?.samples.map(({ value }) => value)).toEqual([1, 1, 3, 2500, 3]);
    expect(c).toMatchObject({ type: 'unknown', samples: [{ value: Number.NEGATIVE_INFINITY }] });
    expect(d).toMatchObject({ type: 'gauge', samples: [{ labels: {}, value: Number.NaN }] });
    expect(rest).toEqual([]);
  });

  it.each(BAD)('refuses %j as %j: %s', (good, bad, problem) => {
    expect(GOOD).toContain(good);
    expect(() => parseOpenMetrics(GOOD.replace(good, () => bad))).toThrow(problem);
  });
});
