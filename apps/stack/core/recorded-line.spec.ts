import { describe, expect, it } from 'vitest';
import { encodeEvent, EventSource, type GpuReading, type InferometerEvent } from '#libs/contracts';
import { readLine } from './recorded-line.js';

const GPU: GpuReading = {
  host: 'h',
  uuid: 'GPU-1',
  index: 0,
  name: 'X',
  vendor: 'NVIDIA',
  memory_used_bytes: 1,
  memory_total_bytes: 2,
  memory_free_bytes: 1,
};
const source = () => new EventSource('/gateways/g', 'boot1');
const heartbeat = () =>
  source().stamp('io.inferometer.aggregator.heartbeat.v1', 3, 'g', { version: '1' }, 1_767_225_600_000) as InferometerEvent;

function read(text: string | Uint8Array, number = 2) {
  return readLine({ number, bytes: Buffer.from(text) });
}

describe('readLine', () => {
  it('finds topic, key and partition of an event, and keeps its bytes', () => {
    const bytes = encodeEvent(heartbeat());
    const event = { type: 'io.inferometer.aggregator.heartbeat.v1', topic: 'requests', key: 'g', partition: 3 };
    const line = read(bytes);
    expect(line).toMatchObject({ kind: 'event', event });
    expect(line.kind === 'event' && Buffer.from(line.event.bytes).equals(bytes)).toBe(true);
  });

  it('sends GPU readings to their own topic', () => {
    const event = source().stamp('io.inferometer.gpu.read.v1', 0, 'GPU-1', GPU, 1_767_225_600_000);
    expect(read(encodeEvent(event))).toMatchObject({ kind: 'event', event: { topic: 'gpus', key: 'h/GPU-1', partition: 0 } });
  });

  it.each([
    ['no partition in it', 'whatever'],
    ['another boot', 'g/boot2/3/1'],
    ['another sequence', 'g/boot1/3/2'],
    ['no number', 'g/boot1/x/1'],
  ])('does not believe an id with %s', (_what, id) => {
    const line = read(JSON.stringify({ ...heartbeat(), id }));
    expect(line).toMatchObject({ kind: 'event', event: { partition: undefined } });
  });

  it('sees through white space, carriage returns and a byte order mark in the first line', () => {
    const text = JSON.stringify(heartbeat());
    expect(read(`  ${text}\t\r`).kind).toBe('event');
    expect(read(`\uFEFF${text}`, 1).kind).toBe('event');
    expect(read(`\uFEFF${text}`, 2)).toMatchObject({ kind: 'refused', reason: 'not_json' });
    expect(['', ' \r', '\t'].map((blank) => read(blank).kind)).toEqual(['blank', 'blank', 'blank']);
  });

  it.each([
    ['not_json', '{"half":'],
    ['not_json', '[1]'],
    ['unknown_type', JSON.stringify({ ...heartbeat(), type: 'com.example.other.v1' })],
    ['unsupported_version', JSON.stringify({ ...heartbeat(), type: 'io.inferometer.aggregator.heartbeat.v9' })],
    ['bad_field', JSON.stringify({ ...heartbeat(), sequence: 0 })],
  ])('refuses with the reason %s', (reason, text) => {
    expect(read(text)).toMatchObject({ kind: 'refused', reason, detail: expect.any(String) as string });
  });

  it('refuses what is no input of the pipeline, and a line that was too long to hold', () => {
    const data = {
      name: 'a',
      level: 'warning',
      state: 'firing',
      metric: 'm',
      value: 1,
      threshold: 1,
      message: 'x',
      since: '2026-01-01T00:00:00.000Z',
    } as const;
    const alert = new EventSource('/aggregators/a', 'b').stamp('io.inferometer.alert.changed.v1', 0, 'a', data, 1_767_225_600_000);
    expect(read(encodeEvent(alert))).toMatchObject({ kind: 'refused', reason: 'not_replayable' });
    expect(readLine({ number: 1, bytes: undefined })).toMatchObject({ kind: 'refused', reason: 'too_large' });
  });
});
