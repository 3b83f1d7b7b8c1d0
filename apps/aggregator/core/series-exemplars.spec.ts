import { describe, expect, it } from 'vitest';
import { traceId } from '../../../test/support/fold.js';
import { START_MS, STREAMED_CHAT } from '../../../test/support/traffic.js';
import { EventSource } from '#libs/contracts';
import { measure } from './measure.js';
import { Series } from './series.js';
import { exemplarsJson } from './series-exemplars.js';

const ASKED = { receivedAt: 1, engine: 1, maxTokens: -1, n: 1, reached: true };
const source = new EventSource('/gateways/gw', 'boot');
const completed = source.stamp('io.inferometer.request.completed.v1', 0, 'r', STREAMED_CHAT, START_MS);
const failed = source.stamp('io.inferometer.request.failed.v1', 0, 'r', { ...STREAMED_CHAT, error_type: 'upstream_error' }, START_MS);

/** A series in which one request of each kind ended, each in a trace of its own. */
function traced(): Series {
  const series = new Series({ operation: 'chat', model: 'm', tenant: '' });
  series.addEnded(completed, measure(completed), ASKED, { id: traceId(1), timestampMs: START_MS });
  series.addEnded(failed, measure(failed), { ...ASKED, engine: 0 }, { id: traceId(2), timestampMs: START_MS + 1 });
  return series;
}

function lineOf(series: Series): string {
  return [...series.lines()].join('\n');
}

describe('the exemplars of a series', () => {
  it('stand in the histograms that are shown with them, and in no others', () => {
    const [good, bad] = [
      [traceId(1), START_MS],
      [traceId(2), START_MS + 1],
    ] as const;
    expect(exemplarsJson(traced())).toEqual({
      ttft: [[good[0], 0.4, good[1]]],
      duration: [[good[0], 2.5, good[1]]],
      'failed/upstream_error': [[bad[0], 2.5, bad[1]]],
      'engine/0/ttft': [[bad[0], 0.4, bad[1]]],
      'engine/0/latency': [[bad[0], 2.5, bad[1]]],
      'engine/1/ttft': [[good[0], 0.4, good[1]]],
      'engine/1/latency': [[good[0], 2.5, good[1]]],
    });
  });

  it('are there again after the series was written down, copied or neither, and are not said where there are none', () => {
    const series = traced();
    expect(lineOf(Series.fromLine(lineOf(series)))).toBe(lineOf(series));
    expect(lineOf(series.clone())).toBe(lineOf(series));
    const bare = new Series(series.labels);
    bare.addEnded(completed, measure(completed), ASKED);
    expect(exemplarsJson(bare)).toBeUndefined();
    expect(lineOf(bare)).not.toContain('exemplars');
  });

  it('are no later than the clock that was set back, and otherwise as they were', () => {
    const series = traced();
    const copy = series.clone();
    series.turnBack(START_MS);
    expect(exemplarsJson(series)).toMatchObject({ ttft: [[traceId(1), 0.4, START_MS]], 'engine/0/ttft': [[traceId(2), 0.4, START_MS]] });
    expect(exemplarsJson(copy)).toMatchObject({ 'engine/0/ttft': [[traceId(2), 0.4, START_MS + 1]] });
  });

  it.each([
    [{ ttft: [['no id', 1, 1]] }],
    [{ ttft: [['0'.repeat(32), 1, 1]] }],
    [{ ttft: [[traceId(1).toUpperCase().replace('1', 'A'), 1, 1]] }],
    [{ ttft: [[7, 1, 1]] }],
    [{ ttft: [[traceId(1), null, 1]] }],
    [{ ttft: [[traceId(1), 1, '1']] }],
    [{ ttft: 5 }],
    [{ 'engine/7/ttft': [[traceId(1), 1, 1]] }],
    [{ constructor: [[traceId(1), 1, 1]] }],
  ])('that nobody wrote are refused: %j', (exemplars) => {
    const json = JSON.parse(lineOf(traced())) as object;
    expect(() => Series.fromLine(JSON.stringify({ ...json, exemplars }))).toThrow(Error);
  });
});
