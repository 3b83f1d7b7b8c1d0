// `npm run test:faults -- [--rounds N] [--seed N] [FILTER…]`: the fault tests, with every number as large as it is meant to be.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, seed: { type: 'string' } },
  allowPositionals: true,
});
for (const [name, value] of Object.entries(values)) {
  if (/^\d+$/.test(value)) continue;
  console.error(`--${name} is a whole number`);
  process.exit(2);
}
const env = { ...process.env, REQUIRE_KAFKA: '1', FAULT_ROUNDS: values.rounds, ...(values.seed && { FAULT_SEED: values.seed }) };
const filters = positionals.length > 0 ? positionals.map((name) => `test/faults/${name}`) : ['test/faults'];
// One after another: each needs the machine for itself.
const { status } = spawnSync('npx', ['vitest', 'run', '--project=faults', '--maxWorkers=1', ...filters], {
  cwd: root,
  stdio: 'inherit',
  env,
});
process.exitCode = status ?? 1;
