import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyEvent, eventArbitrary } from '../../test/support/event-arbitrary.js';
import { DECODE_REASONS, decodeEvent, encodeEvent, MAX_EVENT_BYTES, type DecodeReason } from './codec.js';
import { EventSource } from './event-source.js';
import { EVENT_TYPES } from './event-types.js';
import type { EventData } from './events.js';

const COMPLETED = 'io.inferometer.request.completed.v1';
const CANARY = 'canary-0f9a';
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const data: EventData<typeof COMPLETED> = {
  request_id: 'req-1',
  operation: 'chat',
  model: 'm',
  stream: true,
  status_code: 200,
  finish_reason: 'stop',
  queue_ms: 0.25,
  ttft_ms: 12.5,
  duration_ms: 100,
  output_tokens: 7,
  usage_source: 'upstream',
  chunks: 7,
  gaps: [1, 2, 3],
};
const event = new EventSource('/gateways/g', 'boot').stamp(COMPLETED, 0, 'req-1', data, Date.parse('2026-01-01T00:00:00Z'));
const text = encodeEvent(event).toString();

/** The event's JSON with a piece of it replaced; fails if the piece is not there. */
function altered(piece: string, by: string): Uint8Array {
  expect(text).toContain(piece);
  return bytesOf(text.replace(piece, by));
}

function withExtra(extra: string): Uint8Array {
  return altered('"chunks":7', `"chunks":7,${extra}`);
}

function refusal(bytes: Uint8Array | null): { reason: DecodeReason; detail: string } | undefined {
  const decoded = decodeEvent(bytes);
  return decoded.ok ? undefined : { reason: decoded.reason, detail: decoded.detail };
}

/** The paths of all leaves and branches below the root. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, each]) => pathsOf(each, [...path, key]));
  return path.length > 0 ? [path, ...inner] : inner;
}

/** A copy of `value` with what stands at `path` replaced. */
function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string, unknown>;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

const nested = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);

describe('events', () => {
  it.each(EVENT_TYPES)('survive the wire whole: %s', (type) => {
    fc.assert(
      fc.property(eventArbitrary(type), (each) => {
        expect(decodeEvent(encodeEvent(each))).toEqual({ ok: true, value: each });
      }),
    );
  });

  it('decode from the middle of a larger buffer', () => {
    const larger = new Uint8Array([...bytesOf('x'), ...bytesOf(text), ...bytesOf('x')]);
    expect(decodeEvent(larger.subarray(1, -1))).toEqual({ ok: true, value: event });
  });

  it('may have fields that this version does not know, deep ones too', () => {
    const bytes = withExtra(`"new_field":[${nested(4)}],"engine":{"new_ms":1}`);
    expect(decodeEvent(bytes)).toMatchObject({
      ok: true,
      value: { data: { new_field: [{ a: { a: { a: { a: 1 } } } }], engine: { new_ms: 1 } } },
    });
  });

  it('may hold any text that is Unicode: lone surrogates, NUL, the replacement character itself', () => {
    for (const model of ['\uD800', '\0', '\uFFFD', '模型 🚀', '"\\']) {
      const each = { ...event, data: { ...data, model } };
      expect(decodeEvent(encodeEvent(each))).toEqual({ ok: true, value: each });
    }
  });
});

describe('bytes that are not an event of ours', () => {
  const cases: Record<string, [Uint8Array | null, DecodeReason, string]> = {
    'no value': [null, 'empty', 'the record has no value'],
    'no bytes': [new Uint8Array(), 'empty', 'the record has no value'],
    '5 MB': [withExtra(`"x":"${'x'.repeat(5_000_000)}"`), 'too_large', `at most ${MAX_EVENT_BYTES}`],
    'not JSON': [bytesOf(CANARY), 'not_json', 'not a JSON object'],
    'cut short': [bytesOf(text.slice(0, -1)), 'not_json', 'not a JSON object'],
    'an array': [bytesOf(`[${text}]`), 'not_json', 'not a JSON object'],
    'JSON null': [bytesOf('null'), 'not_json', 'not a JSON object'],
    'a number': [bytesOf('1'), 'not_json', 'not a JSON object'],
    'a text': [bytesOf(`"${CANARY}"`), 'not_json', 'not a JSON object'],
    'the word NaN': [altered('"duration_ms":100', '"duration_ms":NaN'), 'not_json', 'not a JSON object'],
    'the word Infinity': [altered('"duration_ms":100', '"duration_ms":Infinity'), 'not_json', 'not a JSON object'],
    'a byte order mark before it': [bytesOf(`\uFEFF${text}`), 'not_json', 'not a JSON object'],
    'a byte order mark before a replacement character': [
      bytesOf(`\uFEFF${text.replace('"m"', '"\uFFFD"')}`),
      'not_json',
      'not a JSON object',
    ],
    'not UTF-8': [Uint8Array.of(0xff, 0xfe, 0x00), 'not_json', 'not a JSON object'],
    'a text that is not UTF-8': [Uint8Array.from(bytesOf(text), (byte) => (byte === 0x6d ? 0xff : byte)), 'not_json', 'not a JSON object'],
    'nine levels': [withExtra(`"x":${nested(7)}`), 'too_deep', 'nested deeper than 8'],
    'levels without end': [withExtra(`"x":${'['.repeat(400_000)}${']'.repeat(400_000)}`), 'too_deep', 'nested deeper than 8'],
    'the key __proto__': [withExtra('"__proto__":{"x":1}'), 'forbidden_key', 'a key that is never allowed'],
    'the key constructor, deep down': [withExtra('"x":[{"constructor":1}]'), 'forbidden_key', 'a key that is never allowed'],
    'the key prototype': [withExtra('"prototype":1'), 'forbidden_key', 'a key that is never allowed'],
    'another type': [altered(COMPLETED, `io.inferometer.${CANARY}.v1`), 'unknown_type', 'not an event type of ours'],
    'a foreign type': [altered(COMPLETED, '__proto__'), 'unknown_type', 'not an event type of ours'],
    'a later version': [altered(COMPLETED, COMPLETED.replace('v1', 'v2')), 'unsupported_version', `this version reads ${COMPLETED}`],
    'an earlier version': [altered(COMPLETED, COMPLETED.replace('v1', 'v0')), 'unsupported_version', `this version reads ${COMPLETED}`],
    'no type': [altered('"type"', '"tipe"'), 'bad_field', '/type must be string'],
    'a type that is no text': [altered(`"type":"${COMPLETED}"`, '"type":1'), 'bad_field', '/type must be string'],
    'another CloudEvents version': [altered('"1.0"', '"2.0"'), 'bad_field', '/specversion'],
    'a sequence of 0': [altered('"sequence":1', '"sequence":0'), 'bad_field', '/sequence'],
    'half a sequence': [altered('"sequence":1', '"sequence":1.5'), 'bad_field', '/sequence'],
    'a sequence past 2^53': [altered('"sequence":1', '"sequence":9007199254740992'), 'bad_field', '/sequence'],
    'a trace that is none': [altered('"sequence":1', `"sequence":1,"traceparent":"${CANARY}"`), 'bad_field', '/traceparent'],
    'a source of nobody': [altered('/gateways/g', `/${CANARY}/g`), 'bad_field', '/source'],
    'a time that is none': [altered('2026-01-01', '2026-13-01'), 'bad_field', '/time'],
    'a time without milliseconds': [altered('00.000Z', '00Z'), 'bad_field', '/time'],
    'no data': [altered('"data"', '"dada"'), 'bad_field', 'data'],
    'a field that is missing': [altered('"chunks"', '"chunky"'), 'bad_field', '/data must have required properties chunks'],
    'a negative duration': [altered('"duration_ms":100', '"duration_ms":-0.001'), 'bad_field', '/data/duration_ms'],
    'an absurd duration': [altered('"duration_ms":100', '"duration_ms":1e308'), 'bad_field', '/data/duration_ms'],
    'an infinite duration': [altered('"duration_ms":100', '"duration_ms":1e999'), 'bad_field', '/data/duration_ms'],
    'a duration as text': [altered('"duration_ms":100', `"duration_ms":"${CANARY}"`), 'bad_field', '/data/duration_ms'],
    'a duration of null': [altered('"ttft_ms":12.5', '"ttft_ms":null'), 'bad_field', '/data/ttft_ms'],
    'absurd tokens': [altered('"output_tokens":7', '"output_tokens":1e12'), 'bad_field', '/data/output_tokens'],
    'half a token': [altered('"output_tokens":7', '"output_tokens":0.5'), 'bad_field', '/data/output_tokens'],
    'a status that is no success': [altered('"status_code":200', '"status_code":500'), 'bad_field', '/data/status_code'],
    'a negative gap': [altered('[1,2,3]', '[1,-2,3]'), 'bad_field', '/data/gaps/1'],
    'too many gaps': [altered('[1,2,3]', `[${'1,'.repeat(20)}1]`), 'bad_field', '/data/gaps'],
    'a source of tokens that is none': [altered('"upstream"', `"${CANARY}"`), 'bad_field', '/data/usage_source'],
    'an operation that is no word': [altered('"chat"', '"Chat!"'), 'bad_field', '/data/operation'],
    'an id without end': [altered('"request_id":"req-1"', `"request_id":"${'x'.repeat(129)}"`), 'bad_field', '/data/request_id'],
    'an empty id': [altered('"request_id":"req-1"', '"request_id":""'), 'bad_field', '/data/request_id'],
  };

  it.each(Object.entries(cases))('are refused: %s', (_name, [bytes, reason, detail]) => {
    expect(refusal(bytes)).toEqual({ reason, detail: expect.stringContaining(detail) as string });
    expect(refusal(bytes)!.detail).not.toContain(CANARY);
  });

  it('are refused for each of the reasons, here above', () => {
    expect(new Set(Object.values(cases).map(([, reason]) => reason))).toEqual(new Set(DECODE_REASONS));
  });

  it('never make the decoder throw, and never become an object of another prototype', () => {
    const damaged = fc.tuple(anyEvent, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })).map(([each, changes]) => {
      const bytes = encodeEvent(each);
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 }), fc.json().map(bytesOf)), (bytes) => {
        const decoded = decodeEvent(bytes);
        const value: unknown = decoded.ok ? decoded.value : {};
        expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
        expect(decoded.ok || DECODE_REASONS.includes(decoded.reason)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('are named by their place, never by what stood there', () => {
    const changed = anyEvent.chain((each) => {
      const other = fc.constantFrom<unknown>(CANARY, [CANARY], { [CANARY]: CANARY }, 1e308, -1.5, null);
      return fc.tuple(fc.constantFrom(...pathsOf(each)), other).map(([path, by]) => ({ path, event: replaced(each, path, by) }));
    });
    fc.assert(
      fc.property(changed, (each) => {
        const refused = refusal(bytesOf(JSON.stringify(each.event)));
        expect(refused?.detail ?? '').not.toContain(CANARY);
        expect(refused?.reason === 'bad_field' ? refused.detail : '/place must …').toMatch(/^\/?[a-z_/0-9]* must /);
      }),
      { numRuns: 500 },
    );
  });
});
