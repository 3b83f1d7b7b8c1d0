// `node tools/run-app.js APP [ENTRY] [ARGS]`: builds if needed, then runs dist/apps/APP/ENTRY.js (default: main) in this process.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import './build-if-stale.js';

if (process.exitCode) process.exit();
const [app = '', ...rest] = process.argv.slice(2);
const entryOf = (name) => fileURLToPath(new URL(`../dist/apps/${app}/${name}.js`, import.meta.url));
const named = rest[0] !== undefined && /^[a-z]+$/.test(rest[0]) && existsSync(entryOf(rest[0]));
const entry = entryOf(named ? rest.shift() : 'main');
process.setSourceMapsEnabled(true);
process.argv.splice(1, process.argv.length - 1, entry, ...rest);
await import(entry);
