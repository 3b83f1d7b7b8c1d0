import { setTimeout as sleep } from 'node:timers/promises';
import { describe } from 'vitest';
import { kafkaForTests } from '../../../test/support/kafka.js';
import { eventLogContract } from '../contract/event-log.contract.js';
import type { Subject } from '../contract/support.contract.js';
import type { TopicSpec } from '../event-log.js';
import { brokersIn } from './address.js';
import { KafkaEventLog } from './kafka-event-log.js';

const kafka = await kafkaForTests();
/** A broker's clock cannot be set: here its minutes last four seconds. */
const HASTE = 15;
/** Nothing here takes longer, however much time is to pass. */
const LONGEST_WAIT_MS = 5_000;
/** So that every append which comes after some time opens a new segment: what is old can then go by itself, and what is not new can be compacted. */
const SMALL_SEGMENTS = { 'segment.ms': '10', 'min.cleanable.dirty.ratio': '0.01', 'delete.retention.ms': '1000' };

class HastyKafkaEventLog extends KafkaEventLog {
  override ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    return super.ensureTopics(
      topics.map((topic) => ({ ...topic, ...(topic.retentionMs !== undefined && { retentionMs: topic.retentionMs / HASTE }) })),
    );
  }
}

describe.skipIf(kafka === undefined)('on a real broker', () => {
  eventLogContract('kafka', async (): Promise<Subject> => {
    const log = new HastyKafkaEventLog({ seeds: brokersIn(`kafka://${kafka?.brokers}`), topicConfigs: SMALL_SEGMENTS });
    return {
      log,
      passTime: (ms) => sleep(Math.min(ms / HASTE, LONGEST_WAIT_MS)),
      dispose: () => log.close(),
    };
  });
});
