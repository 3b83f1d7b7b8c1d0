import { readFileSync } from 'node:fs';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { decodeEvent } from './codec.js';
import { DEAD_LETTER_SCHEMA } from './dead-letter.js';
import { PER_TOKEN_EDGES_SECONDS } from './edges.js';
import { EVENT_TYPES, shortName } from './event-types.js';
import { schemaOf, type InferometerEvent } from './events.js';
import { fieldsOf } from './schema-fields.js';
import { topicsOf } from './topics.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/events.md');

describe('the examples in docs/events.md', () => {
  const examples = [...page.matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, text]) => JSON.parse(text!) as object);
  const lines = read('schemas/recorded/v1.0.ndjson').trimEnd().split('\n');
  const recorded = lines.map((line) => JSON.parse(line) as InferometerEvent);

  it('are events that were recorded, of every type; one has its whole envelope', () => {
    const events = examples.filter((example): example is InferometerEvent => 'type' in example);
    const originals = events.map((example) => recorded.find((event) => isPartOf(example, event)));
    expect(originals).not.toContain(undefined);
    expect(new Set(originals.map((event) => event!.type))).toEqual(new Set(EVENT_TYPES));
    const whole = events.filter((example) => 'specversion' in example);
    expect(whole.map((example) => decodeEvent(Buffer.from(JSON.stringify(example))).ok)).toEqual([true]);
  });

  it('and a dead letter', () => {
    const others = examples.filter((example) => !('type' in example));
    expect(others.map((example) => Compile(DEAD_LETTER_SCHEMA).Check(example))).toEqual([true]);
  });
});

describe('docs/events.md', () => {
  it.each(EVENT_TYPES)('says of each field whether it is always there: %s', (type) => {
    const fields = Object.entries(fieldsOf(schemaOf(type))).filter(([path]) => path !== '' && !path.endsWith('[]'));
    const promised = new Map(fields.map(([path, words]) => [path.replace(/^data\./, ''), words.startsWith('optional') ? 'may' : 'always']));
    expect(promisesFor(shortName(type).replace(/\.v1$/, ''))).toEqual(promised);
  });

  it('names every topic, with partitions and days', () => {
    const rows = Object.values(topicsOf()).map(({ name, partitions, policy, retentionMs = 0 }) => {
      const kept = policy === 'compact' ? 'compact' : `${retentionMs / 86_400_000} days`;
      return new RegExp(String.raw`^\| \`${name}\` .*\| ${partitions} +\| ${kept} +\|$`, 'm');
    });
    expect(rows.filter((row) => !row.test(page))).toEqual([]);
  });

  it('names every value of each closed set, and the edges of gaps', () => {
    const words = [...EVENT_TYPES.map(schemaOf), DEAD_LETTER_SCHEMA].flatMap((schema) => Object.values(fieldsOf(schema)));
    const closed = words.flatMap((each) => /enum ([^,]+)/.exec(each)?.[1]?.split(' | ') ?? []);
    expect(closed).toContain('resolved');
    const values = [...closed, PER_TOKEN_EDGES_SECONDS.join(' ')];
    expect(values.filter((value) => !page.includes(`\`${value}\``))).toEqual([]);
  });
});

/** Whether all that an example shows stands in the event, just so. */
function isPartOf(example: object, event: object): boolean {
  const all = event as Record<string, unknown>;
  return Object.entries(example).every(([key, value]) => JSON.stringify(value) === JSON.stringify(all[key]));
}

/** What the page's tables say of the fields of a type, by its name without a version: `always` or `may`. */
function promisesFor(name: string): ReadonlyMap<string, string> {
  const [group = '', column = ''] = name.split('.');
  const fields = group === 'request' ? tableAfter('## Request events', column) : tableAfter(`### ${name}`, 'There');
  return new Map([...tableAfter('## The envelope', 'There'), ...fields]);
}

/** Field and cell of the table after a heading. */
function tableAfter(heading: string, column: string): readonly (readonly [string, string])[] {
  const at = page.indexOf(`\n${heading}\n`);
  expect(at, heading).toBeGreaterThan(0);
  const [names = [], , ...rows] = /(?:^\|.*\n)+/m.exec(page.slice(at))![0].trimEnd().split('\n').map(cellsOf);
  const index = names.indexOf(column);
  return rows.map((row) => [row[0]!.replaceAll('`', ''), row[index]!] as const).filter(([, cell]) => cell !== '');
}

function cellsOf(row: string): readonly string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
