// `npm run bench [NAME…]`: runs dist/bench/NAME.js (all of them without a name) and prints one table.
import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/bench/', import.meta.url);
const known = readdirSync(fileURLToPath(new URL('.', import.meta.url)))
  .filter((file) => file.endsWith('.ts') && !/^(bench-row|processes|traffic)\.|\.spec\./.test(file))
  .map((file) => file.slice(0, -'.ts'.length))
  .toSorted();

const HEAD = ['bench', 'what', 'value', 'unit', 'bar', 'met'];
const RIGHT = 2;

function cellsOf(bench, { name, value, unit, bar = '', met }) {
  return [bench, name, format(value), unit, bar, met === undefined ? '' : met ? 'yes' : 'NO'];
}

/** Three digits are as many as a measurement is worth; a large whole number keeps its own. */
function format(value) {
  const rounded = Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString('en', { maximumFractionDigits: 10 });
}

function table(rows) {
  const lines = [HEAD, ...rows];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const pad = (cell, column) => (column === RIGHT ? cell.padStart(widths[column]) : cell.padEnd(widths[column]));
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

async function main(names) {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`no bench is called ${unknown.join(' or ')}; there are ${known.join(', ')}`);
    process.exit(2);
  }
  const rows = [];
  for (const name of names.length > 0 ? names : known) {
    console.error(`running ${name} …`);
    const { run } = await import(new URL(`${name}.js`, built).href);
    rows.push(...(await run()).map((row) => cellsOf(name, row)));
  }
  const [cpu] = cpus();
  console.log(`${new Date().toISOString()}, ${cpu?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}\n`);
  console.log(table(rows));
}

await main(process.argv.slice(2));
process.exit();
