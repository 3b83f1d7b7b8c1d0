import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../event-log.js';
import { gate, newTopic, Notebook, numbered, record, until, type Subject } from './support.contract.js';

export function groupContract(subject: () => Subject): void {
  describe('consumer groups', () => {
    it('share the partitions evenly among the members that come and go, each owned by one at most', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 6 });
      const members = [new Notebook(), new Notebook(), new Notebook()];
      const sizes = () => members.map(({ owned }) => owned.size);
      const first = await log.consume(topic, 'g', members[0]!);
      await until('the first has all', () => sizes()[0] === 6);
      const second = await log.consume(topic, 'g', members[1]!);
      await until('two share', () => sizes().join() === '3,3,0');
      const third = await log.consume(topic, 'g', members[2]!);
      await until('three share', () => sizes().join() === '2,2,2');
      expect(new Set(members.flatMap(({ owned }) => [...owned])).size).toBe(6);
      await first.close();
      await until('two share again', () => sizes().join() === '0,3,3');
      await second.close();
      await until('the last has all', () => sizes().join() === '0,0,6');
      await third.close();
    });

    it('hand a partition over only after `revoked` was awaited; nothing is skipped', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 2 });
      const positions = [0n, 0n];
      const seen: [string[], string[]] = [[], []];
      const order: string[] = [];
      const owner: (string | undefined)[] = [undefined, undefined];
      const member = (name: string) => ({
        async assigned(partition: number) {
          expect(owner[partition]).toBeUndefined();
          owner[partition] = name;
          order.push(`assigned ${name} ${partition}`);
          return positions[partition] === 0n ? ('beginning' as const) : positions[partition]!;
        },
        async batch(partition: number, records: readonly LogRecord[]) {
          expect(owner[partition]).toBe(name);
          await new Promise((resolve) => setTimeout(resolve, 1));
          seen[partition as 0 | 1].push(...records.map(({ key }) => key));
          positions[partition] = records.at(-1)!.offset + 1n;
        },
        async revoked(partition: number) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          expect(owner[partition]).toBe(name);
          owner[partition] = undefined;
          order.push(`revoked ${name} ${partition}`);
        },
      });
      const total = 300;
      const write = async () => {
        for (let index = 0; index < total; index += 1) await log.append(topic, [record(0, `k${index}`), record(1, `k${index}`)]);
      };
      const a = await log.consume(topic, 'g', member('a'));
      const writing = write();
      await until('a has begun', () => seen[0].length > 0 && seen[1].length > 0);
      const b = await log.consume(topic, 'g', member('b'));
      await until('b owns one', () => owner.includes('b'));
      await a.close();
      await until('b owns both', () => owner.join() === 'b,b');
      await writing;
      await until('all have been read', () => seen[0].length >= total && seen[1].length >= total);
      const expected = Array.from({ length: total }, (_, index) => `k${index}`);
      expect(seen).toEqual([expected, expected]);
      expect(order.indexOf('revoked a 1')).toBeLessThan(order.indexOf('assigned b 1'));
      await b.close();
    });

    it('are independent of each other', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 1 });
      const [one, two] = [new Notebook(), new Notebook()];
      const consumptions = await Promise.all([log.consume(topic, 'one', one), log.consume(topic, 'two', two)]);
      await log.append(topic, numbered(0, 5));
      await until('both have read all', () => one.records.length === 5 && two.records.length === 5);
      expect(one.records).toEqual(two.records);
      await Promise.all(consumptions.map((consumption) => consumption.close()));
    });

    it('keep spare members for later', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 1 });
      const [busy, spare] = [new Notebook(), new Notebook()];
      const first = await log.consume(topic, 'g', busy);
      await until('the first owns it', () => busy.owned.size === 1);
      const second = await log.consume(topic, 'g', spare);
      expect(spare.owned.size).toBe(0);
      await first.close();
      await until('the spare one has taken over', () => spare.owned.size === 1);
      expect(busy.calls).toEqual(['assigned 0', 'revoked 0']);
      await second.close();
    });
  });

  describe('a handler that fails', () => {
    it('in `batch` ends its consumption; its partitions go to the others after `revoked`', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 2 });
      const survivor = new Notebook();
      const other = await log.consume(topic, 'g', survivor);
      await until('the survivor owns both', () => survivor.owned.size === 2);
      const doomed = new (class extends Notebook {
        override async batch(): Promise<void> {
          throw new Error('handler broke');
        }
      })();
      const consumption = await log.consume(topic, 'g', doomed);
      await until('they share', () => doomed.owned.size === 1);
      await log.append(topic, [record(0, 'x'), record(1, 'x')]);
      expect((await consumption.failed).message).toBe('handler broke');
      await until('the survivor owns both again', () => survivor.owned.size === 2);
      await until('the survivor has read both', () => new Set(survivor.records.map(({ partition }) => partition)).size === 2);
      expect(doomed.owned.size).toBe(0);
      await consumption.close();
      await other.close();
    });

    it('in `assigned` or `revoked` ends its consumption too', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 1 });
      const refusing = new Notebook(() => {
        throw new Error('cannot restore');
      });
      const consumption = await log.consume(topic, 'g', refusing);
      expect((await consumption.failed).message).toBe('cannot restore');
      await consumption.close();
      const clinging = new (class extends Notebook {
        override async revoked(): Promise<void> {
          throw new Error('cannot let go');
        }
      })();
      const second = await log.consume(topic, 'g', clinging);
      await until('it owns the partition', () => clinging.owned.size === 1);
      await second.close();
      expect((await second.failed).message).toBe('cannot let go');
      const heir = new Notebook();
      const third = await log.consume(topic, 'g', heir);
      await until('the partition is free again', () => heir.owned.size === 1);
      await third.close();
    });
  });

  describe('closing', () => {
    it('waits for the batch in hand, then revokes; the handler may still append', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 1 });
      const [entered, leave] = [gate(), gate()];
      const order: string[] = [];
      await log.consume(topic, 'g', {
        assigned: async () => 'beginning',
        async batch() {
          entered.open();
          await leave.opened;
          order.push('batch');
        },
        async revoked() {
          order.push('revoking');
          await log.append(topic, [record(0, 'snapshot')]);
          order.push('revoked');
        },
      });
      await log.append(topic, [record(0, 'x')]);
      await entered.opened;
      const closing = log.close().then(() => order.push('closed'));
      await log.append(topic, [record(0, 'y')]);
      expect(order).toEqual([]);
      leave.open();
      await closing;
      expect(order).toEqual(['batch', 'revoking', 'revoked', 'closed']);
    });

    it('at any moment neither hangs nor leaves a partition assigned', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 6 });
      await log.append(
        topic,
        [0, 1, 2, 3, 4, 5].flatMap((partition) => numbered(partition, 100)),
      );
      const members = Array.from({ length: 4 }, () => new Notebook());
      const joining = members.map((member) => log.consume(topic, 'g', member));
      const closing = joining.map(async (consumption, index) => {
        const joined = await consumption;
        for (let turn = 0; turn < index * 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        await joined.close();
      });
      const appending = log.append(topic, numbered(0, 100));
      await log.close();
      await Promise.all([...closing, appending]);
      expect(members.map(({ owned }) => owned.size)).toEqual([0, 0, 0, 0]);
    });
  });
}
