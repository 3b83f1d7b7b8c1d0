import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEventLog } from '../open.js';

/*
 * A process of its own on a Kafka cluster, for the specs: `log-child.fixture.ts ROLE BROKERS TOPIC`. It prints what happened, one line each,
 * and ends by itself when its standard input ends.
 */
const [role = '', brokers = '', topic = ''] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);
const inputEnd = new Promise<void>((resolve) => {
  createInterface(process.stdin).on('close', () => resolve());
});
const handler = {
  assigned: async (partition: number) => {
    say(`assigned ${partition}`);
    return 'beginning' as const;
  },
  /** Slow, so that there is always more to hand over. */
  batch: async (_partition: number, records: readonly { readonly key: string }[]) => {
    say(`read ${records[0]?.key}`);
    await sleep(300);
  },
  revoked: async (partition: number) => {
    say(`revoked ${partition}`);
  },
};

const roles: Record<string, () => Promise<void>> = {
  async consume() {
    const log = await openEventLog(`kafka://${brokers}`);
    await log.consume(topic, 'g', handler);
    say('joined');
    await inputEnd;
    await log.close();
  },

  /** Reads and follows, and says how often a second the event loop turns while there is nothing to do. */
  async idle() {
    process.on('warning', ({ name }) => say(`warning ${name}`));
    const log = await openEventLog(`kafka://${brokers}`);
    await log.consume(topic, 'g', handler);
    const following = await log.follow(topic, 'beginning', { records: () => {} });
    await following.caughtUp;
    await log.append(topic, [{ partition: 0, key: 'k', value: null }]);
    await sleep(3_000); // What joins and connects is not idling.
    const before = performance.nodeTiming.uvMetricsInfo.loopCount;
    const startMs = performance.now();
    await sleep(4_000);
    const turns = performance.nodeTiming.uvMetricsInfo.loopCount - before;
    say(`idle ${(turns * 1000) / (performance.now() - startMs)}`);
    await log.close();
  },
};

await roles[role]!();
process.exit();
