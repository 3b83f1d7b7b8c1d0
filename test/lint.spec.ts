import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLEAN_TREE, PLANTED } from './architecture/planted.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
let tree: string;

/** What oxlint says about the tree with the repository's own configuration: file and rule of each complaint. */
function lint(): { path: string; rule: string }[] {
  const { stdout } = spawnSync(process.execPath, [oxlint, '--format', 'json'], { cwd: tree, encoding: 'utf8' });
  const report = JSON.parse(stdout) as { diagnostics: { filename: string; code: string }[]; number_of_files: number };
  expect(report.number_of_files).toBeGreaterThanOrEqual(Object.keys(CLEAN_TREE).length);
  return report.diagnostics.map(({ filename, code }) => ({ path: filename, rule: code }));
}

function write(path: string, code: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), code);
}

describe('the lint rules', () => {
  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'lint-'));
    copyFileSync(join(root, '.oxlintrc.json'), join(tree, '.oxlintrc.json'));
    for (const [path, code] of Object.entries(CLEAN_TREE)) write(path, code);
  });
  afterAll(() => rmSync(tree, { recursive: true }));

  it('say nothing about a tree that keeps them', () => {
    expect(lint()).toEqual([]);
  });

  it.each(PLANTED.filter(({ rule }) => rule))('report just this: $what', ({ path, code, rule }) => {
    write(path, code);
    try {
      expect(lint()).toEqual([{ path, rule }]);
    } finally {
      rmSync(join(tree, path));
    }
  });

  it('report a cycle of imports', () => {
    write('apps/gateway/out/one.ts', `import { two } from './two.js';\n\nexport const one = (): unknown => two;\n`);
    write('apps/gateway/out/two.ts', `import { one } from './one.js';\n\nexport const two = (): unknown => one;\n`);
    expect(new Set(lint().map(({ rule }) => rule))).toEqual(new Set(['import(no-cycle)']));
  });
});
