// Builds `dist/` when a source is newer than the last build, and does nothing (in some 20 ms) when none is.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = join(root, 'dist/.tsbuildinfo');
const compiler = join(root, 'node_modules/typescript/bin/tsc');

function newestMtimeMs(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const names = readdirSync(path).filter((name) => name !== 'node_modules');
  return names.reduce((newest, name) => Math.max(newest, newestMtimeMs(join(path, name))), stat.mtimeMs);
}

function isStale() {
  if (!existsSync(built)) return true;
  const sources = ['apps', 'libs', 'bench', 'tsconfig.json', 'tsconfig.build.json'].map((name) => join(root, name));
  return Math.max(...sources.filter(existsSync).map(newestMtimeMs)) > statSync(built).mtimeMs;
}

if (existsSync(compiler) && isStale()) {
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  // The compiler writes its notes even after an error: without them the next run builds again instead of running old output.
  if (status !== 0) rmSync(built, { force: true });
  process.exitCode = status ?? 1;
}
