import { expect, it } from 'vitest';
import { EventSource, type RequestStarted } from '#libs/contracts';
import { EventLogError, type EventLog, type OutgoingRecord } from './event-log.js';
import { Outbox } from './outbox.js';

const STARTED = 'io.inferometer.request.started.v1';
const started = (id: string): RequestStarted => ({
  request_id: id,
  operation: 'chat',
  model: 'm',
  stream: true,
  queue_ms: 1,
  upstream: '0',
});

it('an outbox counts what it was offered, and what became of it', async () => {
  const outcomes: (Error | undefined)[] = [new Error('away'), undefined];
  const log = {
    partitions: () => Promise.resolve(1),
    append: async (_topic: string, records: readonly OutgoingRecord[]): Promise<void> => {
      const outcome = outcomes.shift();
      if (outcome) throw outcome;
      if (records.some(({ key }) => key === 'refused')) throw new EventLogError('not this one');
    },
  };
  const outbox = new Outbox(log as unknown as EventLog, 'topic', 1, new EventSource('/gateways/g', 'boot'), { retryMs: 1 });
  outbox.offer(STARTED, 'a', started('a'));
  outbox.offer(STARTED, 'b', started('b'));
  await outbox.flush();
  expect(outbox).toMatchObject({ offered: 2, delivered: { stored: 2, batches: 2, failures: 1 }, dropped: 0 });
  for (const key of ['c', 'refused', 'd']) outbox.offer(STARTED, key, started(key));
  await outbox.flush();
  expect(outbox).toMatchObject({ offered: 5, delivered: { stored: 4, batches: 3, failures: 1 }, dropped: 1 });
  expect(outbox.delivered.seconds).toBeGreaterThan(0);
  await outbox.close();
  outbox.offer(STARTED, 'late', started('late'));
  expect([outbox.offered, outbox.delivered.stored + outbox.dropped]).toEqual([6, 6]);
});
