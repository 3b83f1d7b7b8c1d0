import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyEvent } from '../../test/support/event-arbitrary.js';
import { decodeEvent, encodeEvent } from './codec.js';
import { EventSource } from './event-source.js';

const TYPE = 'io.inferometer.aggregator.heartbeat.v1';
const AT_MS = Date.parse('2026-01-02T03:04:05.678Z');

describe('EventSource', () => {
  it('wraps data in a whole CloudEvent that decodes', () => {
    const event = new EventSource('/gateways/host-1', 'boot_9').stamp(TYPE, 3, 'host-1', { version: '1.0.0' }, AT_MS);
    expect(event).toEqual({
      specversion: '1.0',
      id: 'host-1/boot_9/3/1',
      source: '/gateways/host-1',
      type: TYPE,
      time: '2026-01-02T03:04:05.678Z',
      subject: 'host-1',
      datacontenttype: 'application/json',
      dataschema: 'urn:inferometer:schema:aggregator.heartbeat.v1',
      bootid: 'boot_9',
      sequence: 1,
      data: { version: '1.0.0' },
    });
    expect(decodeEvent(encodeEvent(event))).toEqual({ ok: true, value: event });
  });

  it('carries the trace of a request where there is one', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const event = new EventSource('/gateways/g', 'b').stamp(TYPE, 0, 'g', { version: '1' }, AT_MS, traceparent);
    expect(event.traceparent).toBe(traceparent);
    expect(decodeEvent(encodeEvent(event))).toEqual({ ok: true, value: event });
  });

  it('writes the very text of what it would stamp', () => {
    const [writing, stamping] = [new EventSource('/gateways/"ö"', 'b\\1'), new EventSource('/gateways/"ö"', 'b\\1')];
    const trace = fc.constantFrom(undefined, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
    fc.assert(
      fc.property(anyEvent, fc.nat(5), fc.string({ unit: 'binary' }), trace, ({ type, data }, partition, subject, traceparent) => {
        const written = writing.write(type, partition, subject, data, AT_MS, traceparent);
        expect(written).toBe(JSON.stringify(stamping.stamp(type, partition, subject, data, AT_MS, traceparent)));
      }),
    );
  });

  it('numbers each partition by itself, from 1 and without holes', () => {
    const source = new EventSource('/gateways/g', 'b');
    const stamped = [0, 2, 0, 0, 2, 5].map((partition) => source.stamp(TYPE, partition, 'g', { version: '1' }, AT_MS));
    expect(stamped.map(({ sequence }) => sequence)).toEqual([1, 1, 2, 3, 2, 1]);
    expect(stamped.map(({ id }) => id)).toEqual(['g/b/0/1', 'g/b/2/1', 'g/b/0/2', 'g/b/0/3', 'g/b/2/2', 'g/b/5/1']);
  });

  it('starts again from 1 with another boot, with other ids', () => {
    const first = new EventSource('/probes/p', 'b1').stamp(TYPE, 0, 'p', { version: '1' }, AT_MS);
    const second = new EventSource('/probes/p', 'b2').stamp(TYPE, 0, 'p', { version: '1' }, AT_MS);
    expect([first.sequence, second.sequence]).toEqual([1, 1]);
    expect(first.id).not.toBe(second.id);
  });
});
