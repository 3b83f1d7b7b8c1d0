import { describe, expect, it, onTestFinished } from 'vitest';
import { Spool } from '#libs/event-log';
import { canStartKafka, KafkaBroker } from '../support/kafka.js';
import { temporaryFolder } from '../support/stack.js';
import { waitFor } from '../support/wait.js';
import { agreement, Fleet } from './harness/fleet.js';
import { randomFor } from './harness/plan.js';
import { TopicLedger } from './harness/topic-ledger.js';

const REQUESTS_PER_SECOND = 300;
const CAPACITY = 500;
const MAX_BYTES = 100_000;
const DROPS = 300;

const canStart = await canStartKafka();

describe.skipIf(!canStart)('fault 8: the broker is away for longer than memory and spool last', () => {
  it('counts every event that was dropped, and shows it', { timeout: 180_000 }, async () => {
    const broker = await KafkaBroker.start();
    onTestFinished(() => broker.stop());
    const fleet = await Fleet.on(broker.brokers);
    onTestFinished(() => fleet.close());
    const aggregator = await fleet.aggregator();
    const spool = Spool.inFolder(temporaryFolder(), { maxBytes: MAX_BYTES });
    const generator = fleet.generator(randomFor('spool full'), { outbox: { capacity: CAPACITY, spool } });
    generator.start(REQUESTS_PER_SECOND);
    await waitFor('the first numbers', async () => (await aggregator.metrics()).requests.total > 0);
    await broker.kill();
    await waitFor('drops', async () => generator.dropped > DROPS, 60_000);
    await broker.restart();
    await waitFor('the spool to be empty', async () => spool.events === 0, 60_000);
    const quality = await waitFor('the drops to be shown', async () => {
      const { data_quality: shown } = await aggregator.metrics();
      return shown.events_dropped === generator.dropped && shown.events_missing === generator.dropped && shown;
    });
    expect(quality).toMatchObject({ spooled: 0, dead_letters: 0 });
    await generator.stop();
    await spool.close();
    // Requests whose end was dropped are lost when their gateway is gone.
    const told = await TopicLedger.read(fleet.log, fleet.topics.requests.name);
    await agreement([aggregator], told.ledger);
    console.log(`${generator.dropped} events dropped, of ${generator.ledger.total} requests ${told.ledger.total} are told of`);
  });
});
