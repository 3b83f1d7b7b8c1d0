import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventSource, type MetricsDocument } from '#libs/contracts';
import { liveView, RollupWriter } from '../../../test/support/rollups.js';
import { heartbeat, interleaved, onePlanned, recordsOf, START_MS } from '../../../test/support/traffic.js';
import { DEFAULT_QUERY, FleetAnswers } from './fleet-answers.js';

const source = new EventSource('/gateways/gw', 'boot');
let writer: RollupWriter;
let answers: FleetAnswers;

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  writer = new RollupWriter();
  answers = new FleetAnswers(liveView(), 'en');
});

afterEach(() => vi.useRealTimers());

/** A gateway's heartbeat now, and whatever else, in the view. */
function publish(requests: Parameters<typeof interleaved>[0] = []): void {
  const events = [heartbeat(source, 0, Date.now()), ...interleaved(requests, source)];
  const records = recordsOf(events, writer.state.next).map((record) => ({ ...record, timestampMs: Date.now() }));
  writer.fold(records);
  writer.put(answers.view, writer.delta());
}

/** Lets time pass as in a running process, second by second. */
function pass(seconds: number): void {
  for (let second = 0; second < seconds; second += 1) {
    vi.advanceTimersByTime(1_000);
    answers.tick();
  }
}

const document = (): MetricsDocument => answers.document(DEFAULT_QUERY);
const states = (): Record<string, string> => Object.fromEntries(answers.allAlerts().map(({ name, state: its }) => [name, its]));

describe('answers from a view that is cut off from the log', () => {
  it('say so after ten seconds, and are blind after fifteen', () => {
    publish();
    pass(1);
    expect([document().status, answers.stale]).toEqual(['healthy', false]);
    pass(11);
    expect([document().status, answers.stale]).toEqual(['unknown', true]);
    expect(states()).toMatchObject({ queue_too_long: 'unknown', gpu_memory_high: 'unknown', pipeline_blind: 'inactive' });
    pass(5);
    expect(states()).toMatchObject({ queue_too_long: 'unknown', pipeline_blind: 'firing' });
    expect(document().alerts).toMatchObject([{ name: 'pipeline_blind', level: 'critical' }]);
    publish();
    pass(1);
    expect([document().status, answers.stale]).toEqual(['healthy', false]);
    expect(states()).toMatchObject({ queue_too_long: 'inactive', pipeline_blind: 'resolved' });
  });
});

describe('an alert', () => {
  it('is dated by the log, whatever the clock of the replica says', () => {
    publish([onePlanned({ end: 'failed' })]);
    vi.setSystemTime(START_MS + 3_600_000);
    answers.tick();
    expect(document().alerts).toMatchObject([{ name: 'error_rate_high', since: '2026-01-01T00:00:00.000Z' }]);
  });
});

describe('answers', () => {
  it('are written once for each version of the view, and bear the time of each question', () => {
    publish([onePlanned({ end: 'completed' })]);
    const first = document();
    vi.advanceTimersByTime(500);
    const second = document();
    expect(second.models).toBe(first.models);
    expect([first.timestamp, second.timestamp]).toEqual(['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.500Z']);
    publish([onePlanned({ id: 'another' })]);
    expect(document().requests.total).toBe(2);
  });

  it('are not kept for every name that clients think of', () => {
    publish([onePlanned()]);
    for (let index = 0; index < 1_000; index += 1) answers.document({ window: '5m', model: `model-${index}` });
    const kept = Object.values(answers).filter((value) => value instanceof Map);
    expect(kept.length).toBeGreaterThan(0);
    for (const map of kept) expect((map as Map<unknown, unknown>).size).toBeLessThanOrEqual(100);
  });

  it('compare with an alert’s limit before they round', () => {
    const good = Array.from({ length: 8_996 }, (_unused, index) => onePlanned({ id: `good-${index}`, end: 'completed' }));
    const bad = Array.from({ length: 1_004 }, (_unused, index) => onePlanned({ id: `bad-${index}`, end: 'failed' }));
    publish([...good, ...bad]);
    pass(1);
    expect(document().requests.error_rate_percent).toBe(10);
    expect(states()).toMatchObject({ error_rate_high: 'firing' });
  });

  it('are the same after they were warmed up', async () => {
    vi.useRealTimers();
    publish([onePlanned({ end: 'completed' })]);
    const cold = answers.document({ window: '1h' });
    await answers.warmUp();
    answers.tick();
    expect({ ...answers.document({ window: '1h' }), timestamp: '' }).toEqual({ ...cold, timestamp: '' });
  });
});
