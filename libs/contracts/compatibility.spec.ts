import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyEvent } from '../../test/support/event-arbitrary.js';
import { decodeEvent, encodeEvent } from './codec.js';
import { EVENT_TYPES, type EventType } from './event-types.js';
import { schemaOf, type InferometerEvent } from './events.js';
import { fieldsOf, type SchemaFields } from './schema-fields.js';

/** The SHA-256 of each recorded file: what an earlier version wrote is never edited, whatever a later one would like it to be. */
const FROZEN: Readonly<Record<string, string>> = {
  'v1.0.fields.json': '3fb35fc146037c25b28de6709595b13a0b229841100f99439f95c25359c6fbc6',
  'v1.0.ndjson': 'bb728bcbc312d21c675ae1e42a55fc09a35d26517cf40d5da77c308988ac1d95',
};

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const recorded = (ending: string): readonly string[] => Object.keys(FROZEN).filter((name) => name.endsWith(ending));
const linesOf = (name: string): readonly string[] => read(`schemas/recorded/${name}`).trimEnd().split('\n');
const ndjson = recorded('.ndjson').map((name) => [name, linesOf(name)] as const);

describe('what was recorded', () => {
  it('is all there as it was, that of this version too', () => {
    const names = readdirSync(new URL('schemas/recorded/', root)).filter((name) => name !== 'README.md');
    const digests = names.map((name) => [
      name,
      createHash('sha256')
        .update(read(`schemas/recorded/${name}`))
        .digest('hex'),
    ]);
    expect(Object.fromEntries(digests)).toEqual(FROZEN);
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(ndjson.map(([name]) => name)).toContain(`v${version.split('.').slice(0, 2).join('.')}.ndjson`);
  });

  it.each(ndjson)('decodes for ever, into what it says: %s', (_name, lines) => {
    const decoded = lines.map((line) => decodeEvent(Buffer.from(line)));
    expect(decoded).toEqual(lines.map((line) => ({ ok: true, value: JSON.parse(line) as unknown })));
  });

  it.each(ndjson)('has every type, and every optional field once there and once missing: %s', (name, lines) => {
    const promised = promisesOf(name.replace('.ndjson', '.fields.json'));
    const events = lines.map((line) => JSON.parse(line) as InferometerEvent);
    const gaps = Object.entries(promised).flatMap(([type, fields]) => {
      const paths = events.filter((event) => event.type === type).map((event) => new Set(pathsOf(event)));
      const optional = Object.keys(fields).filter((path) => fields[path]!.startsWith('optional') && path !== 'traceparent');
      const lacking = optional.filter((path) => paths.every((each) => each.has(path)) || paths.every((each) => !each.has(path)));
      return [...(paths.length === 0 ? [type] : []), ...lacking.map((path) => `${type} ${path}`)];
    });
    expect(gaps).toEqual([]);
    expect(new Set(events.map(({ traceparent }) => traceparent === undefined))).toEqual(new Set([true, false]));
  });
});

describe('a minor version', () => {
  it.each(recorded('.fields.json'))('keeps every field as it was, and requires no other: %s', (name) => {
    const broken = Object.entries(promisesOf(name)).flatMap(([type, before]) => brokenIn(type, before));
    expect(broken).toEqual([]);
  });

  it('may add fields and extensions that this one does not know', () => {
    const additions = fc.record({
      extension: fc.dictionary(fc.stringMatching(/^x[a-z0-9]{1,19}$/), fc.oneof(fc.string(), fc.integer(), fc.boolean()), { maxKeys: 3 }),
      fields: fc.dictionary(fc.stringMatching(/^x_[a-z_]{1,19}$/), fc.jsonValue({ maxDepth: 4 }).filter(isHarmless), { maxKeys: 3 }),
    });
    fc.assert(
      fc.property(anyEvent, additions, (event, { extension, fields }) => {
        const later = { ...event, ...extension, dataschema: `${event.dataschema}.7`, data: { ...event.data, ...fields } };
        const bytes = encodeEvent(later as InferometerEvent);
        expect(decodeEvent(bytes)).toEqual({ ok: true, value: JSON.parse(bytes.toString()) as unknown });
      }),
    );
  });

  it('may add types: readers of this one put them aside by that reason, and no other', () => {
    const [line] = ndjson[0]![1];
    const event = { ...(JSON.parse(line!) as object), type: 'io.inferometer.request.paused.v1' };
    expect(decodeEvent(Buffer.from(JSON.stringify(event)))).toMatchObject({ ok: false, reason: 'unknown_type' });
  });
});

it.each(EVENT_TYPES)('another major version of a type is never read as this one: %s', (type) => {
  const event = JSON.parse(ndjson[0]![1].find((line) => line.includes(`"type":"${type}"`))!) as object;
  const later = { ...event, type: type.replace(/\.v1$/, '.v2') };
  expect(decodeEvent(Buffer.from(JSON.stringify(later)))).toMatchObject({ ok: false, reason: 'unsupported_version' });
});

function promisesOf(name: string): Readonly<Record<string, SchemaFields>> {
  return JSON.parse(read(`schemas/recorded/${name}`)) as Record<string, SchemaFields>;
}

/** Each way in which today's schema of a type breaks what was promised of its fields. */
function brokenIn(type: string, before: SchemaFields): readonly string[] {
  if (!EVENT_TYPES.includes(type as EventType)) return [`${type} is gone`];
  const now = fieldsOf(schemaOf(type as EventType));
  const changed = Object.keys(before).filter((path) => now[path] !== before[path]);
  const required = Object.keys(now).filter((path) => !(path in before) && !now[path]!.startsWith('optional') && isReachable(path, before));
  return [
    ...changed.map((path) => `${type} ${path} was: ${before[path]}`),
    ...required.map((path) => `${type} ${path} is new and required`),
  ];
}

/** What is required inside of an optional field that is new requires nothing of those who do not know it. */
function isReachable(path: string, before: SchemaFields): boolean {
  return path.replace(/(\[\]|\.?[^.[\]]+)$/, '') in before;
}

function pathsOf(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, inner]) => pathsOf(inner, path === '' ? name : `${path}.${name}`))];
}

/** Keys that no event may have, whatever its version. */
function isHarmless(value: unknown): boolean {
  return !/"(?:__proto__|constructor|prototype)":/.test(JSON.stringify(value));
}
