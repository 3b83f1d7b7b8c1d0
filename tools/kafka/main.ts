// `npm run kafka`: a broker on this machine for development, until Ctrl-C; its data stays in data/kafka.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers, freePort, KafkaBroker } from './broker.js';

const USUAL_PORT = 9092;
const FOLDER = fileURLToPath(new URL('../../data/kafka', import.meta.url));
const OWNER = join(FOLDER, 'owner.pid');

async function main(): Promise<void> {
  const signalled = new Promise<true>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve(true));
  });
  claimFolder();
  const port = (await answers(USUAL_PORT)) ? await freePort() : USUAL_PORT;
  console.log(`Starting Kafka; its data is in ${FOLDER}`);
  const broker = await KafkaBroker.start({ folder: FOLDER, port });
  console.log(`
EVENT_LOG_URL=kafka://${broker.brokers}

Give it to every process, each in a terminal of its own:
  EVENT_LOG_URL=kafka://${broker.brokers} npm run start:aggregator
  EVENT_LOG_URL=kafka://${broker.brokers} npm run start:gateway

Ctrl-C ends the broker.`);
  const isWanted = await Promise.race([signalled, broker.exited.then(() => false)]);
  if (!isWanted) throw new Error(`the broker has ended by itself; see ${FOLDER}/broker.log`);
  await broker.stop();
  rmSync(OWNER);
}

/** Two brokers on one folder would spoil it, before Kafka itself notices. */
function claimFolder(): void {
  const owner = existsSync(OWNER) ? Number(readFileSync(OWNER, 'utf8')) : 0;
  if (owner > 0 && isBroker(owner)) throw new Error(`${FOLDER} is in use: process ${owner} runs a broker on it`);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(OWNER, String(process.pid));
}

/** False for a process that is gone, or whose number another one has by now. */
function isBroker(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('tools/kafka/main.ts');
  } catch {
    return false;
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
process.exit();
