// `npm run schemas`: writes the JSON Schema of every event type and the AsyncAPI document to `schemas/`, and removes the schemas of types that are gone.
// With the first run of a new minor version it also writes down what that version promises of each field: see schemas/recorded/README.md.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { asyncApiDocument } from '../dist/libs/contracts/asyncapi.js';
import { EVENT_TYPES, schemaOf, shortName } from '../dist/libs/contracts/index.js';
import { fieldsOf } from '../dist/libs/contracts/schema-fields.js';

const folder = new URL('../schemas/', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const write = (name, value) => writeFileSync(new URL(name, folder), `${JSON.stringify(value, null, 2)}\n`);

mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (/\.v\d+\.json$/.test(name)) rmSync(new URL(name, folder));
for (const type of EVENT_TYPES) write(`${shortName(type)}.json`, schemaOf(type));
write('asyncapi.json', asyncApiDocument(version));

const fields = `recorded/v${version.split('.').slice(0, 2).join('.')}.fields.json`;
if (!existsSync(new URL(fields, folder))) write(fields, Object.fromEntries(EVENT_TYPES.map((type) => [type, fieldsOf(schemaOf(type))])));
console.log(`wrote ${EVENT_TYPES.length} schemas and asyncapi.json`);
