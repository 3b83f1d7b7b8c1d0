// `npm run schemas`: writes the JSON Schema of every event type to `schemas/`, and removes those of types that are gone.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { EVENT_TYPES, schemaOf, shortName } from '../dist/libs/contracts/index.js';

const folder = new URL('../schemas/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (/\.v\d+\.json$/.test(name)) rmSync(new URL(name, folder));
for (const type of EVENT_TYPES) {
  writeFileSync(new URL(`${shortName(type)}.json`, folder), `${JSON.stringify(schemaOf(type), null, 2)}\n`);
}
console.log(`wrote ${EVENT_TYPES.length} schemas`);
