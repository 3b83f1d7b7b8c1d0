import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { faultsOf, type Packages } from './architecture/import-rules.js';
import { CLEAN_TREE, PLANTED } from './architecture/planted.js';
import { filesIn, MAX_FUNCTION_LINES, parse, readSources } from './architecture/source-files.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;
const packages: Packages = {
  production: new Set(Object.keys(manifest['dependencies'] ?? {})),
  development: new Set(Object.keys(manifest['devDependencies'] ?? {})),
};
/** The clean tree names Kafka's client whether or not it is installed. */
const treePackages: Packages = { ...packages, production: new Set([...packages.production, 'kafkajs']) };
const MAX_LINES = 400;

describe('the architecture', () => {
  const sources = readSources(root, ['apps', 'libs']);

  it('keeps the table "Who may import whom"', () => {
    expect(sources.length).toBeGreaterThan(30);
    expect(sources.flatMap((file) => faultsOf(file, packages))).toEqual([]);
  });

  it('has only apps and libs that the lint rules know', () => {
    const config = readFileSync(join(root, '.oxlintrc.json'), 'utf8');
    expect(readdirSync(join(root, 'libs')).toSorted()).toEqual([
      'contracts',
      'event-log',
      'exposition',
      'process-metrics',
      'runtime',
      'sketch',
    ]);
    for (const app of readdirSync(join(root, 'apps'))) {
      expect(config.split(`../**/${app}/**`), `core/ may not import ${app}`).toHaveLength(3);
      expect(config.split(new RegExp(`[(|]${app}[|)]`)).length, `apps may not import ${app}`).toBeGreaterThan(3);
    }
  });

  it(`has no file above ${MAX_LINES} lines`, () => {
    const files = filesIn(root, ['apps', 'libs', 'bench', 'test', 'tools'], /\.[jt]s$/);
    const long = files.map((path) => ({ path, lines: readFileSync(join(root, path), 'utf8').split('\n').length - 1 }));
    expect(long.filter(({ lines }) => lines > MAX_LINES)).toEqual([]);
  });

  it(`has no function above ${MAX_FUNCTION_LINES} lines, but in specs`, () => {
    const files = readSources(root, ['apps', 'libs', 'bench', 'test', 'tools']).filter(({ path }) => !/\.(spec|contract)\.ts$/.test(path));
    expect(files.flatMap(({ path, longFunctions }) => longFunctions.map(({ line, what }) => `${path}:${line} has ${what}`))).toEqual([]);
    const long = `export function long() {\n${'  again();\n'.repeat(MAX_FUNCTION_LINES)}}\n`;
    expect(parse('long.ts', long).longFunctions).toEqual([{ what: `${MAX_FUNCTION_LINES + 2} lines`, line: 1 }]);
  });

  it('has the rooms in, core and out in its apps, and no other', () => {
    const rooms = sources.map(({ path }) => /^apps\/[^/]+\/([^/]+)\//.exec(path)?.[1]).filter((room) => room !== undefined);
    expect(new Set(rooms)).toEqual(new Set(['in', 'core', 'out']));
  });

  it('runs on Node 24', () => {
    expect(process.version).toMatch(/^v24\./);
  });
});

describe('the check of the table', () => {
  it('finds nothing in a tree that keeps the rules', () => {
    const found = Object.entries(CLEAN_TREE).flatMap(([path, code]) => faultsOf(parse(path, code), treePackages));
    expect(found).toEqual([]);
  });

  it.each(PLANTED)('finds: $what', ({ path, code }) => {
    expect(faultsOf(parse(path, code), treePackages)).toEqual([expect.stringMatching(`^${path}:\\d+ \\S`)]);
  });
});
