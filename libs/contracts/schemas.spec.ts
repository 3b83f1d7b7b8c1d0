import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES, shortName } from './event-types.js';
import { schemaOf } from './events.js';

const folder = new URL('../../schemas/', import.meta.url);

describe('the JSON Schemas in schemas/', () => {
  it('are there for every event type, and for no other', () => {
    const files = readdirSync(folder).filter((name) => /\.v\d+\.json$/.test(name));
    expect(files.toSorted()).toEqual(EVENT_TYPES.map((type) => `${shortName(type)}.json`).toSorted());
  });

  it.each(EVENT_TYPES)('are fresh (npm run schemas): %s', (type) => {
    const written = readFileSync(new URL(`${shortName(type)}.json`, folder), 'utf8');
    expect(written).toBe(`${JSON.stringify(schemaOf(type), null, 2)}\n`);
    expect(JSON.parse(written)).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `urn:inferometer:schema:${shortName(type)}`,
      title: type,
      additionalProperties: true,
    });
  });
});
