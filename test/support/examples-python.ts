import { spawnSync } from 'node:child_process';
import { ROOT } from './shared.js';

const MODULES = ['kafka', 'duckdb_cli'];

/**
 * The Python that runs the examples, `EXAMPLES_PYTHON` or `python3`, if it has what `examples/requirements.txt` names; says loudly that
 * tests are skipped where it has not, and throws where none may be (`CI`).
 */
export function pythonOfExamples(): string | undefined {
  const python = process.env['EXAMPLES_PYTHON'] ?? 'python3';
  if (spawnSync(python, ['-c', `import ${MODULES.join()}`]).status === 0) return python;
  const problem = `${python} lacks packages: ${python} -m pip install -r ${ROOT}examples/requirements.txt, or set EXAMPLES_PYTHON`;
  if (process.env['CI']) throw new Error(`${problem}; no test may be skipped`);
  console.warn(`SKIPPED: the tests of the examples in Python and SQL: ${problem}`);
  return undefined;
}
