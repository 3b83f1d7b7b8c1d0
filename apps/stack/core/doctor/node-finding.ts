import { fail, ok, skip, type Finding } from './finding.js';

const CHECK = 'node';

/** `range` is of the form `>=24.15.0`, `version` of the form `24.21.0`. */
export function nodeFinding(version: string, range: string): Finding {
  const least = /^>=\s*(\d+\.\d+\.\d+)$/.exec(range)?.[1];
  if (least === undefined) return skip(CHECK, `Node ${version}; package.json asks for ${range}, which is not understood here`);
  if (isBelow(numbersIn(version), numbersIn(least)))
    return fail(CHECK, `Node ${version} is too old`, `install Node ${least} or newer; npm ci brings one along on Linux`);
  return ok(CHECK, `Node ${version}`);
}

function numbersIn(version: string): readonly number[] {
  return version.split(/[.-]/, 3).map(Number);
}

function isBelow(version: readonly number[], least: readonly number[]): boolean {
  const at = least.findIndex((number, index) => number !== version[index]);
  return at !== -1 && !((version[at] ?? 0) > least[at]!);
}
