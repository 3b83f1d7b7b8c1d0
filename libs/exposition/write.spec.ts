import { describe, expect, it } from 'vitest';
import { parseOpenMetrics } from '../../test/support/openmetrics.js';
import { hasPromtool, openMetricsProblems, textProblems } from '../../test/support/promtool.js';
import { withoutExemplars, written } from './families.fixture.js';
import type { Exemplar, HistogramFamily, ValueFamily } from './families.js';
import { LabelSet, NO_LABELS } from './label-set.js';
import { write } from './write.js';

const UGLY = new LabelSet({ model: 'a "quoted" \\ back\nslash, {b="c"} 😀 # EOF\r\0', lone: 'x\uD800y', empty: '' });
const UGLY_TEXT = String.raw`model="a \"quoted\" \\ back\nslash, {b=\"c\"} 😀 # EOF${'\r\0'}",lone="x${'\uFFFD'}y",empty=""`;
const seen = (value: number): Exemplar => ({ labels: { trace_id: '4bf92f35' }, value, timestampMs: 1_700_000_000_250 });

const REQUESTS: ValueFamily = {
  head: { name: 'app_requests_total', type: 'counter', help: 'Said "so", with a \\ and a\nbreak' },
  samples: [
    { labels: UGLY, value: 3, exemplar: seen(0.5) },
    { labels: NO_LABELS, value: 0 },
  ],
};
const SECONDS: HistogramFamily = {
  head: { name: 'app_wait_seconds', type: 'histogram', help: 'Waits.', unit: 'seconds' },
  edges: [0.25, 1, 1_000_000],
  samples: [
    { labels: new LabelSet({ model: 'm' }), cells: [2, 0, 3, 1], sum: 1e7, exemplars: [seen(0.25), undefined, seen(9)] },
    { labels: NO_LABELS, cells: new Float64Array(4), sum: 0 },
  ],
};
const OLD: ValueFamily = {
  head: { name: 'old_requests', type: 'counter', help: 'Old.', unit: 's' },
  samples: [{ labels: NO_LABELS, value: 1.5 }],
};
const USED: ValueFamily = {
  head: { name: 'app_used_bytes', type: 'gauge', help: 'Used.', unit: 'bytes' },
  samples: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1e-9].map((value, index) => ({
    labels: new LabelSet({ index: String(index) }),
    value,
    exemplar: seen(1),
  })),
};
const NOTHING: ValueFamily = { head: { name: 'app_nothing', type: 'gauge', help: '' }, samples: [] };
const ALL = [REQUESTS, SECONDS, OLD, USED, NOTHING];

describe('write', () => {
  it('writes the text format 0.0.4', () => {
    expect(written(ALL, 'text')).toBe(`# HELP app_requests_total Said "so", with a \\\\ and a\\nbreak
# TYPE app_requests_total counter
app_requests_total{${UGLY_TEXT}} 3
app_requests_total 0
# HELP app_wait_seconds Waits.
# TYPE app_wait_seconds histogram
app_wait_seconds_bucket{model="m",le="0.25"} 2
app_wait_seconds_bucket{model="m",le="1.0"} 2
app_wait_seconds_bucket{model="m",le="1e+06"} 5
app_wait_seconds_bucket{model="m",le="+Inf"} 6
app_wait_seconds_sum{model="m"} 10000000
app_wait_seconds_count{model="m"} 6
app_wait_seconds_bucket{le="0.25"} 0
app_wait_seconds_bucket{le="1.0"} 0
app_wait_seconds_bucket{le="1e+06"} 0
app_wait_seconds_bucket{le="+Inf"} 0
app_wait_seconds_sum 0
app_wait_seconds_count 0
# HELP old_requests Old.
# TYPE old_requests counter
old_requests 1.5
# HELP app_used_bytes Used.
# TYPE app_used_bytes gauge
app_used_bytes{index="0"} NaN
app_used_bytes{index="1"} +Inf
app_used_bytes{index="2"} -Inf
app_used_bytes{index="3"} -1e-9
# HELP app_nothing${' '}
# TYPE app_nothing gauge
`);
  });

  it('writes OpenMetrics 1.0', () => {
    expect(written(ALL, 'openmetrics')).toBe(`# TYPE app_requests counter
# HELP app_requests Said \\"so\\", with a \\\\ and a\\nbreak
app_requests_total{${UGLY_TEXT}} 3 # {trace_id="4bf92f35"} 0.5 1700000000.25
app_requests_total 0
# TYPE app_wait_seconds histogram
# UNIT app_wait_seconds seconds
# HELP app_wait_seconds Waits.
app_wait_seconds_bucket{model="m",le="0.25"} 2 # {trace_id="4bf92f35"} 0.25 1700000000.25
app_wait_seconds_bucket{model="m",le="1.0"} 2
app_wait_seconds_bucket{model="m",le="1e+06"} 5 # {trace_id="4bf92f35"} 9 1700000000.25
app_wait_seconds_bucket{model="m",le="+Inf"} 6
app_wait_seconds_sum{model="m"} 10000000
app_wait_seconds_count{model="m"} 6
app_wait_seconds_bucket{le="0.25"} 0
app_wait_seconds_bucket{le="1.0"} 0
app_wait_seconds_bucket{le="1e+06"} 0
app_wait_seconds_bucket{le="+Inf"} 0
app_wait_seconds_sum 0
app_wait_seconds_count 0
# TYPE old_requests unknown
# HELP old_requests Old.
old_requests 1.5
# TYPE app_used_bytes gauge
# UNIT app_used_bytes bytes
# HELP app_used_bytes Used.
app_used_bytes{index="0"} NaN
app_used_bytes{index="1"} +Inf
app_used_bytes{index="2"} -Inf
app_used_bytes{index="3"} -1e-9
# TYPE app_nothing gauge
# HELP app_nothing${' '}
# EOF
`);
  });

  it('says the unit of a counter before its _total', () => {
    const head = { name: 'app_cpu_seconds_total', type: 'counter', help: '', unit: 'seconds' } as const;
    expect(written([{ head, samples: [] }], 'openmetrics')).toContain('# UNIT app_cpu_seconds seconds\n');
    expect(written([{ head: { ...head, name: 'cpuseconds_total' }, samples: [] }], 'openmetrics')).not.toContain('UNIT');
  });

  it.each([
    ['shows the labels of an exemplar up to 128 characters', '😀'.repeat(127), 1],
    ['leaves out an exemplar with longer ones', '😀'.repeat(128), 0],
  ])('%s', (_what, value, shown) => {
    const samples = [{ labels: NO_LABELS, value: 1, exemplar: { labels: { a: value }, value: 2 } }];
    const text = written([{ head: REQUESTS.head, samples }], 'openmetrics');
    const exemplars = parseOpenMetrics(text).flatMap((family) => family.samples.flatMap(({ exemplar }) => exemplar ?? []));
    expect(exemplars).toHaveLength(shown);
  });

  it.skipIf(!hasPromtool())('is read by Prometheus without complaint, in both formats', () => {
    const sane = ALL.filter((family) => family !== OLD && family !== NOTHING);
    expect(textProblems(written(sane, 'text'))).toBe('');
    // The command that reads OpenMetrics is given times of its own, for which exemplars leave no place.
    expect(openMetricsProblems(written([...sane, OLD].map(withoutExemplars), 'openmetrics'))).toBe('');
    expect(textProblems(written([OLD], 'text'))).toContain('counter metrics should have "_total" suffix');
  });
});

describe('the chunks of write', () => {
  it('are of bounded size, and no sample is read before its chunk is asked for', () => {
    const label = 'm'.repeat(100);
    let read = 0;
    const samples = (function* () {
      for (; read < 10_000; read += 1) yield { labels: new LabelSet({ label }), cells: new Float64Array(23), sum: 0 };
    })();
    const edges = Array.from({ length: 22 }, (_unused, index) => index);
    const [sizes, reads]: [number[], number[]] = [[], []];
    let before = 0;
    for (const chunk of write([{ head: SECONDS.head, edges, samples }], 'text')) {
      sizes.push(chunk.length);
      reads.push(read - before);
      before = read;
    }
    expect(read).toBe(10_000);
    expect(Math.max(...sizes)).toBeLessThan(70_000);
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(65_536);
    expect(Math.max(...reads)).toBeLessThan(25);
  });

  it('hold one series at a time where it is longer than a chunk', () => {
    const sample = { labels: new LabelSet({ label: 'é'.repeat(200_000) }), value: 1 };
    const sizes = [...write([{ head: USED.head, samples: [sample, sample, sample] }], 'text')];
    expect(sizes.map(({ length }) => Math.round(length / 200_000))).toEqual([1, 1, 1]);
  });
});
