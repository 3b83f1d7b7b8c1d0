// `npm run drill -- NAME…`: a fire drill for the alerts. See USAGE.
import { readArguments, USAGE, UsageError } from './arguments.js';
import { runDrills } from './run.js';

async function main(): Promise<number> {
  const wanted = readArguments(process.argv.slice(2));
  if (!wanted) {
    console.log(USAGE);
    return 0;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return (await runDrills(wanted, stop.signal, (line) => console.log(line))) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof UsageError;
  console.error(isUsage ? `${error.message}\nTry npm run drill -- --help` : `drill: ${(error as Error).message}`);
  process.exitCode = isUsage ? 2 : 1;
}
