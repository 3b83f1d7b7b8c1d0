import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
let folder: string;

/** Runs vitest with the reporter over the files given; answers its last line and exit code. */
function run(files: Record<string, string>): { line: string | undefined; code: number | null } {
  for (const [name, code] of Object.entries(files)) {
    writeFileSync(join(folder, `${name}.spec.ts`), `import { beforeAll, describe, expect, it } from 'vitest';\n${code}`);
  }
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const env = { ...process.env, NO_COLOR: '1', VITEST: undefined, VITEST_POOL_ID: undefined, VITEST_WORKER_ID: undefined };
  const { stdout, status } = spawnSync(process.execPath, [vitest, 'run'], { cwd: folder, encoding: 'utf8', env });
  return { line: stdout.trimEnd().split('\n').at(-1), code: status };
}

describe('the closing line of a run', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'reporter-'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const reporter = join(root, 'tools/summary-reporter.ts');
    writeFileSync(join(folder, 'vitest.config.mjs'), `export default { test: { reporters: ['default', ${JSON.stringify(reporter)}] } };\n`);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('counts what passed, with exit code 0', () => {
    expect(run({ one: `it('a', () => {}); describe('x', () => { it('b', () => {}); });` })).toEqual({
      line: '2 passed, 0 failed, 0 skipped',
      code: 0,
    });
  });

  it('counts failed, skipped and planned tests', () => {
    const files = {
      one: `it('a', () => {}); it('b', () => { expect(1).toBe(2); }); it.skip('c', () => {}); it.todo('d');`,
      two: `it('e', () => {});`,
    };
    expect(run(files)).toEqual({ line: '2 passed, 1 failed, 2 skipped', code: 1 });
  });

  it('counts a file that cannot be loaded as a failure', () => {
    const files = { one: `it('a', () => {});`, two: `throw new Error('no');`, three: `import './missing.js';`, four: `it('a', () => {` };
    expect(run(files)).toEqual({ line: '1 passed, 3 failed, 0 skipped', code: 1 });
  });

  it('counts a hook that fails, and an error that nobody caught', () => {
    const hook = `describe('x', () => { beforeAll(() => { throw new Error('no'); }); it('a', () => {}); });`;
    expect(run({ one: hook })).toEqual({ line: '0 passed, 1 failed, 1 skipped', code: 1 });
    const stray = `it('a', async () => { void Promise.reject(new Error('no')); await new Promise(setImmediate); });`;
    expect(run({ one: stray })).toEqual({ line: '1 passed, 1 failed, 0 skipped', code: 1 });
  });

  it('has a failure where there is no test at all', () => {
    expect(run({})).toEqual({ line: '0 passed, 1 failed, 0 skipped', code: 1 });
    expect(run({ one: '' })).toEqual({ line: '0 passed, 1 failed, 0 skipped', code: 1 });
  });
});
