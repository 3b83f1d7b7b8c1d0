import { expect, it, onTestFinished } from 'vitest';
import { openEventLog } from '#libs/event-log';
import { startKafkaContainer } from '../support/kafka-container.js';
import { waitFor } from '../support/wait.js';
import { dockerEnvironment } from './engine.js';

const docker = dockerEnvironment();

it.skipIf(!docker)('where an engine answers, the Kafka tests have their broker in a container', { timeout: 180_000 }, async () => {
  Object.assign(process.env, docker);
  const broker = await startKafkaContainer();
  expect(broker).toBeDefined();
  onTestFinished(() => broker!.stop().then(() => undefined));
  const log = await openEventLog(`kafka://${broker!.brokers}`);
  onTestFinished(() => log.close());
  await log.ensureTopics([{ name: 'in-a-container', partitions: 2, policy: 'delete' }]);
  await log.append('in-a-container', [{ partition: 1, key: 'k', value: Buffer.from('v') }]);
  const seen: string[] = [];
  await log.follow('in-a-container', 'beginning', {
    records: (partition, records) => void seen.push(...records.map(({ key, value }) => `${partition} ${key} ${String(value)}`)),
  });
  await waitFor('the record', async () => seen.length > 0);
  expect(seen).toEqual(['1 k v']);
});
