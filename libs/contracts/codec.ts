import { Compile } from 'typebox/compile';
import { EVENT_TYPES } from './event-types.js';
import { schemaOf, type InferometerEvent } from './events.js';

/** Why bytes are not an event of ours: a closed set, safe as a label. */
export const DECODE_REASONS = [
  'empty',
  'too_large',
  'not_json',
  'too_deep',
  'forbidden_key',
  'unknown_type',
  'unsupported_version',
  'bad_field',
] as const;
export type DecodeReason = (typeof DECODE_REASONS)[number];

/** `detail` names the place (`/data/ttft_ms must be >= 0`), never the value that stood there. */
export type Decoded<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: DecodeReason; readonly detail: string };

/** Our largest event is some 2 KB; Kafka's default limit for a record is 1 MiB. */
export const MAX_EVENT_BYTES = 1_048_576;
const MAX_DEPTH = 8;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const validators = new Map(EVENT_TYPES.map((type) => [type as string, Compile(schemaOf(type))]));
const versions = new Map(EVENT_TYPES.map((type) => [nameWithoutVersion(type), type]));

export function encodeEvent(event: InferometerEvent): Buffer {
  return Buffer.from(JSON.stringify(event));
}

/** Strict on what we read, tolerant of unknown extra fields. Never throws. */
export function decodeEvent(bytes: Uint8Array | null): Decoded<InferometerEvent> {
  if (bytes === null || bytes.byteLength === 0) return refused('empty', 'the record has no value');
  if (bytes.byteLength > MAX_EVENT_BYTES) return refused('too_large', `${bytes.byteLength} bytes, at most ${MAX_EVENT_BYTES}`);
  const parsed = parse(bytes);
  if (!isObject(parsed)) return refused('not_json', 'not a JSON object');
  const structure = structureFault(parsed, 1);
  if (structure) return refused(structure, structure === 'too_deep' ? `nested deeper than ${MAX_DEPTH}` : 'a key that is never allowed');
  return check(parsed);
}

function check(parsed: Record<string, unknown>): Decoded<InferometerEvent> {
  const type = parsed['type'];
  if (typeof type !== 'string') return refused('bad_field', '/type must be string');
  const validator = validators.get(type);
  if (!validator) return unknownType(type);
  if (!validator.Check(parsed)) {
    const [first] = validator.Errors(parsed);
    return refused('bad_field', first ? `${first.instancePath} ${first.message}` : 'does not fit its schema');
  }
  return { ok: true, value: parsed as unknown as InferometerEvent };
}

function unknownType(type: string): Decoded<InferometerEvent> {
  const known = versions.get(nameWithoutVersion(type));
  return known ? refused('unsupported_version', `this version reads ${known}`) : refused('unknown_type', 'not an event type of ours');
}

function nameWithoutVersion(type: string): string {
  return type.replace(/\.v\d+$/, '');
}

function parse(bytes: Uint8Array): unknown {
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    // Either somebody wrote this character, which is rare, or the bytes are not UTF-8, and the strict decoder throws.
    return JSON.parse(text.includes('\uFFFD') ? strictUtf8.decode(bytes) : text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One walk for two dangers: nesting without end, and keys that could reach a prototype. */
function structureFault(value: object, depth: number): 'too_deep' | 'forbidden_key' | undefined {
  if (depth > MAX_DEPTH) return 'too_deep';
  for (const key of Object.keys(value)) {
    if (key === '__proto__' || key === 'constructor' || key === 'prototype') return 'forbidden_key';
    const inner = (value as Record<string, unknown>)[key];
    const fault = typeof inner === 'object' && inner !== null ? structureFault(inner, depth + 1) : undefined;
    if (fault) return fault;
  }
  return undefined;
}

function refused(reason: DecodeReason, detail: string): Decoded<InferometerEvent> {
  return { ok: false, reason, detail };
}
