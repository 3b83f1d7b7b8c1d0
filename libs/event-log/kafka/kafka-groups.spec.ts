import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { kafkaForTests } from '../../../test/support/kafka.js';
import { newTopic, record, until } from '../contract/support.contract.js';
import type { Consumption, LogRecord, PartitionHandler } from '../event-log.js';
import { brokersIn } from './address.js';
import { KafkaEventLog } from './kafka-event-log.js';

const kafka = await kafkaForTests();
const PARTITIONS = 6;
const STORM_MS = 15_000;

/** What all members together do, and what they may not do. */
class Ledger {
  readonly owners: (string | undefined)[] = Array.from({ length: PARTITIONS });
  readonly next: bigint[] = Array.from({ length: PARTITIONS }, () => 0n);
  readonly keys: string[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly faults: string[] = [];

  member(name: string, pause: () => number): PartitionHandler {
    const check = (what: string, partition: number, owner: string | undefined): void => {
      if (this.owners[partition] !== owner) this.faults.push(`${what} ${partition} by ${name}, but it is ${this.owners[partition]}'s`);
    };
    return {
      assigned: async (partition) => {
        check('assigned', partition, undefined);
        this.owners[partition] = name;
        return this.next[partition]!;
      },
      batch: async (partition, records: readonly LogRecord[]) => {
        check('batch', partition, name);
        await sleep(pause() / 10);
        check('after batch', partition, name);
        this.keys[partition]!.push(...records.map(({ key }) => key));
        this.next[partition] = records.at(-1)!.offset + 1n;
      },
      revoked: async (partition) => {
        check('revoked', partition, name);
        await sleep(pause());
        check('after revoked', partition, name);
        this.owners[partition] = undefined;
      },
    };
  }
}

/** Numbers in 0 … 1 that a seed decides (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe.skipIf(kafka === undefined)('a group on a real broker', () => {
  it(
    'whose members come and go all the time never has two owners of a partition, and skips and repeats nothing',
    { timeout: 60_000 },
    async () => {
      const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
      console.log(`SEED=${seed}`);
      const random = randomOf(seed);
      const logs = Array.from({ length: 3 }, () => new KafkaEventLog({ seeds: brokersIn(`kafka://${kafka?.brokers}`) }));
      const topic = await newTopic(logs[0]!, { partitions: PARTITIONS });
      const ledger = new Ledger();
      const members: Consumption[] = [];
      const failures: Error[] = [];
      const joining = new Set<Promise<void>>();
      const join = async (index: number): Promise<void> => {
        const handler = ledger.member(`m${index}`, () => random() * 100);
        const member = await logs[index % logs.length]!.consume(topic, 'g', handler);
        void member.failed.then((cause) => failures.push(cause));
        members.push(member);
      };
      await join(0);
      const endMs = performance.now() + STORM_MS;
      let appended = 0;
      for (let step = 1; performance.now() < endMs; step += 1) {
        const round = Array.from({ length: PARTITIONS }, (_, partition) => record(partition, `k${appended}`));
        await logs[0]!.append(topic, round);
        appended += 1;
        const chance = random();
        if (chance < 0.08 && members.length + joining.size < 5) {
          const joined = join(step).finally(() => joining.delete(joined));
          joining.add(joined);
        } else if (chance > 0.94 && members.length > 1) {
          await members.splice(Math.floor(random() * members.length), 1)[0]!.close();
        }
        await sleep(random() * 50);
      }
      await Promise.all(joining);
      await until('all have been read', () => ledger.keys.every((keys) => keys.length >= appended), 20_000);
      const expected = Array.from({ length: appended }, (_, index) => `k${index}`);
      expect(ledger.keys).toEqual(ledger.keys.map(() => expected));
      expect({ faults: ledger.faults, failures }).toEqual({ faults: [], failures: [] });
      await Promise.all(logs.map((log) => log.close()));
      expect(ledger.owners.filter((owner) => owner !== undefined)).toEqual([]);
    },
  );
});
