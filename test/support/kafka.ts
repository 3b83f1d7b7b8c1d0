import { inject } from 'vitest';
import { KAFKA_NEEDS } from '../../tools/kafka/broker.js';
import { kafkaInstallation } from '../../tools/kafka/installation.js';
import type { SharedKafka } from './kafka-setup.js';

export { KafkaBroker, type KafkaBrokerOptions } from '../../tools/kafka/broker.js';

/** Where a test's clients connect. */
export interface TestKafka {
  /** `host:port[,…]`. */
  readonly brokers: string;
  /** The test needs it no longer. */
  stop(): Promise<void>;
}

/**
 * The broker that all specs of a run share, started by the first that asks: `KAFKA_BROKERS`, else a container, else a process of its own.
 * Topics and groups need names of their own. Undefined, said loudly, where none of the three is there; with `CI` or `REQUIRE_KAFKA` that rejects.
 */
export async function kafkaForTests(): Promise<TestKafka | undefined> {
  const response = await fetch(inject('sharedKafka'));
  const { brokers, problem } = (await response.json()) as SharedKafka;
  if (brokers === undefined) return skip(problem ?? 'no answer');
  // It ends with the run.
  return { brokers, stop: async () => {} };
}

/** Whether `KafkaBroker.start` works here: for tests that stop, kill and restart a broker of their own. As loud as `kafkaForTests` if not. */
export async function canStartKafka(): Promise<boolean> {
  if (await kafkaInstallation()) return true;
  skip(KAFKA_NEEDS);
  return false;
}

function skip(problem: string): undefined {
  if (process.env['CI'] || process.env['REQUIRE_KAFKA']) throw new Error(problem);
  console.warn(`SKIPPED: the tests that need Kafka: ${problem}; REQUIRE_KAFKA=1 makes this a failure`);
}
