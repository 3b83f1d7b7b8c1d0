import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EventSource, topicsOf } from '#libs/contracts';
import { openEventLog, Outbox, type EventLog } from '#libs/event-log';
import { Heartbeats } from './heartbeats.js';

const GAUGES = {
  waiting: 0,
  running: 0,
  peak_running: 0,
  max_concurrent: 1,
  max_queue: 1,
  received_total: 0,
  spooled: 0,
  dropped: 0,
  version: 't',
};

let log: EventLog;

beforeEach(async () => {
  log = await openEventLog('memory:');
  vi.useFakeTimers();
});

afterEach(async () => {
  vi.useRealTimers();
  await log.close();
});

it('beats at once, every second, and once more at the end', () => {
  const outbox = new Outbox(log, topicsOf().requests.name, 6, new EventSource('/gateways/g', 'b'));
  const heartbeats = new Heartbeats(outbox, 'g', () => GAUGES);
  const offer = vi.spyOn(outbox, 'offerToEvery').mockImplementation(() => {});
  heartbeats.start();
  expect(offer).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(2_000);
  expect(offer).toHaveBeenCalledTimes(3);
  heartbeats.stop();
  vi.advanceTimersByTime(5_000);
  expect(offer).toHaveBeenCalledTimes(4);
  expect(offer).toHaveBeenLastCalledWith('io.inferometer.gateway.heartbeat.v1', 'g', GAUGES);
});
