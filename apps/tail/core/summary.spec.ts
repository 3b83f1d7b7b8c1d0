import { EventSource, type InferometerEvent } from '#libs/contracts';
import { describe, expect, it } from 'vitest';
import { eventsOf, heartbeat, onePlanned, START_MS } from '../../../test/support/traffic.js';
import { printable, summaryOf } from './summary.js';

const gateway = new EventSource('/gateways/g', 'boot');
const READING = {
  host: 'h',
  uuid: 'GPU-1',
  index: 3,
  name: 'NVIDIA H100',
  vendor: 'nvidia',
  memory_used_bytes: 60 * 1024 ** 3,
  memory_total_bytes: 80 * 1024 ** 3,
  memory_free_bytes: 20 * 1024 ** 3,
  temperature_celsius: 41.6,
};

const lastOf = (planned: Parameters<typeof onePlanned>[0]): InferometerEvent => eventsOf(onePlanned(planned), gateway, 0, START_MS).at(-1)!;

describe('the summary of an event', () => {
  it('names the request, its model and its tenant', () => {
    expect(summaryOf(lastOf({ tenant: 'blue', end: 'completed' }))).toEqual({
      time: '00:00:01.000',
      type: 'completed',
      subject: 'req-1',
      model: 'm',
      tenant: 'blue',
      details: 'stop status=200 duration=1000ms ttft=250ms tokens=5+10',
    });
  });

  it('tells how the others end, and of unknown usage nothing', () => {
    expect(summaryOf(lastOf({ end: 'failed' })).details).toBe('queue_timeout duration=1000ms ttft=250ms tokens=5+10');
    expect(summaryOf(lastOf({ end: 'cancelled', outputTokens: undefined, stream: false })).details).toBe('streaming duration=1000ms');
    expect(summaryOf(lastOf({ model: '', end: 'completed' }))).toMatchObject({ model: '-', tenant: '-' });
  });

  it('tells how it begins', () => {
    const [received, started] = eventsOf(onePlanned(), gateway, 0, START_MS);
    expect(summaryOf(received!)).toMatchObject({ type: 'received', details: 'chat streamed max_tokens=5' });
    expect(summaryOf(started!)).toMatchObject({ type: 'started', details: 'queue=1ms upstream=0' });
  });

  it('shows the memory of a GPU, and nothing that its driver does not give', () => {
    expect(summaryOf(gateway.stamp('io.inferometer.gpu.read.v1', 0, 'GPU-1', READING, START_MS))).toMatchObject({
      type: 'gpu.read',
      subject: 'h/3',
      model: 'NVIDIA H100',
      details: 'memory=60.0/80.0GiB temperature=42°C',
    });
  });

  it('shows what a gateway has in hand', () => {
    expect(summaryOf(heartbeat(gateway, 0, START_MS, 2))).toMatchObject({
      type: 'gateway.heartbeat',
      subject: '/gateways/g',
      details: 'waiting=0 running=2 received=0',
    });
  });
});

it.each([
  ['\u001b[2Jm', '\ufffd[2Jm'],
  ['\u009b31m', '\ufffd31m'],
  ['a\r\nb\tc', 'a\ufffd\ufffdb\ufffdc'],
  ['a\u202eb\u2028c\ud800', 'a\ufffdb\ufffdc\ufffd'],
  ['模型 größer 🚀', '模型 größer 🚀'],
])('%j is shown as %j', (text, expected) => {
  expect(printable(text)).toBe(expected);
});
