import { describe, expect, it } from 'vitest';
import { EventLogError, type Bounds, type LogRecord, type StartAt } from '../event-log.js';
import { gate, newTopic, Notebook, numbered, readAll, record, until, type Subject } from './support.contract.js';

export function consumeContract(subject: () => Subject): void {
  describe('consume', () => {
    it('a lone member gets every partition, and each one in order', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      await log.append(topic, [...numbered(0, 1500, 'a'), ...numbered(2, 1500, 'b')]);
      const member = new Notebook();
      const consumption = await log.consume(topic, 'g', member);
      await until('all records have arrived', () => member.records.length === 3000);
      await log.append(topic, numbered(1, 5, 'c'));
      await until('the new records have arrived', () => member.records.length === 3005);
      expect(member.keys(0)).toEqual(numbered(0, 1500, 'a').map(({ key }) => key));
      expect(member.keys(1)).toEqual(['c0', 'c1', 'c2', 'c3', 'c4']);
      expect(member.keys(2)).toEqual(numbered(0, 1500, 'b').map(({ key }) => key));
      await consumption.close();
      expect(member.calls.filter((call) => !call.startsWith('batch')).toSorted()).toEqual(
        ['assigned', 'revoked'].flatMap((call) => [0, 1, 2].map((partition) => `${call} ${partition}`)),
      );
    });

    it('starts where `assigned` says: the beginning, the end, or an offset', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      await log.append(
        topic,
        [0, 1, 2].flatMap((partition) => numbered(partition, 10)),
      );
      const offsets = (await readAll(log, topic)).filter(({ partition }) => partition === 2).map(({ offset }) => offset);
      const member = new Notebook((partition) => (['beginning', 'end', offsets[7]!] as const)[partition]!);
      const consumption = await log.consume(topic, 'g', member);
      await until('all have been assigned', () => member.owned.size === 3);
      await until('old records have arrived', () => member.records.length === 13);
      await log.append(
        topic,
        [0, 1, 2].map((partition) => record(partition, 'new')),
      );
      await until('new records have arrived', () => member.records.length === 16);
      expect(member.keys(0)).toEqual([...numbered(0, 10).map(({ key }) => key), 'new']);
      expect(member.keys(1)).toEqual(['new']);
      expect(member.keys(2)).toEqual(['k7', 'k8', 'k9', 'new']);
      await consumption.close();
    });

    it('tells what the partition holds when it is assigned', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 2 });
      await log.append(topic, numbered(0, 10));
      const bounds: Bounds[] = [];
      const member = new Notebook((partition, held) => {
        bounds[partition] = held;
        return 'beginning';
      });
      const consumption = await log.consume(topic, 'g', member);
      await until('both are assigned', () => member.owned.size === 2);
      await until('all have arrived', () => member.records.length === 10);
      const offsets = member.records.map(({ offset }) => offset);
      expect(bounds[0]).toEqual({ oldest: offsets[0], end: offsets.at(-1)! + 1n });
      expect(bounds[1]!.oldest).toBe(bounds[1]!.end);
      await consumption.close();
    });

    it('goes on where `batch` says, backwards and forwards', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 1 });
      await log.append(topic, numbered(0, 20));
      const offsets = (await readAll(log, topic)).map(({ offset }) => offset);
      const keys: string[] = [];
      const moves: StartAt[] = ['beginning', offsets[15]!, 'end'];
      const consumption = await log.consume(topic, 'g', {
        assigned: async () => offsets[18]!,
        async batch(_partition, records) {
          keys.push(...records.map(({ key }) => key));
          return records.at(-1)!.key === 'k19' ? moves.shift() : undefined;
        },
        revoked: async () => {},
      });
      await until('the last move was made', () => moves.length === 0);
      await log.append(topic, [record(0, 'new')]);
      await until('the new record has arrived', () => keys.at(-1) === 'new');
      const all = numbered(0, 20).map(({ key }) => key);
      expect(keys).toEqual([...all.slice(18), ...all, ...all.slice(15), 'new']);
      await consumption.close();
    });

    it('refuses an offset past the end from `batch` too', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 1 });
      const member = new (class extends Notebook {
        override async batch(): Promise<StartAt> {
          return 1000n;
        }
      })();
      const consumption = await log.consume(topic, 'g', member);
      await log.append(topic, [record(0, 'x')]);
      expect(await consumption.failed).toBeInstanceOf(EventLogError);
      await consumption.close();
      expect(member.owned.size).toBe(0);
    });

    it('refuses an offset past the end, which would silently skip records to come', async () => {
      const { log } = subject();
      const consumption = await log.consume(await newTopic(log), 'g', new Notebook(() => 1000n));
      expect(await consumption.failed).toBeInstanceOf(EventLogError);
      await consumption.close();
    });

    it('delivers the same records again to a member that comes back with an older offset', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 1 });
      await log.append(topic, numbered(0, 50));
      const first = new Notebook();
      const consumption = await log.consume(topic, 'g', first);
      await until('the first has read all', () => first.records.length === 50);
      await consumption.close();
      const again = new Notebook(() => first.records[20]!.offset);
      const next = await log.consume(topic, 'g', again);
      await until('the second has read the rest', () => again.records.length === 30);
      expect(again.records).toEqual(first.records.slice(20));
      await next.close();
    });

    it('tells how far it is', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 2 });
      await log.append(topic, numbered(1, 10));
      const member = new Notebook();
      const consumption = await log.consume(topic, 'g', member);
      await until('it is at the end', async () => {
        const positions = await consumption.positions();
        return positions.length === 2 && positions.every(({ next, end }) => next === end);
      });
      const [zero, one] = await consumption.positions();
      expect([zero!.partition, one!.partition]).toEqual([0, 1]);
      expect(zero!.next).toBe(zero!.end);
      expect(one!.end).toBe(member.records.at(-1)!.offset + 1n);
      await consumption.close();
      expect(await consumption.positions()).toEqual([]);
    });

    it('tells how far a handler that is busy is behind', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 1 });
      const [entered, leave] = [gate(), gate()];
      const consumption = await log.consume(topic, 'g', {
        assigned: async () => 'beginning',
        async batch() {
          entered.open();
          await leave.opened;
        },
        revoked: async () => {},
      });
      await log.append(topic, [record(0, 'first')]);
      await entered.opened;
      await log.append(topic, numbered(0, 10));
      await log.append(topic, numbered(0, 10));
      const lags = async () => (await consumption.positions()).map(({ next, end }) => end - next);
      await until('the lag is known', async () => (await lags()).join() === '21');
      expect(await lags()).toEqual([21n]);
      leave.open();
      await consumption.close();
    });

    it('never overlaps calls of a partition, and a slow partition does not hold up another', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 2 });
      const stuck = gate();
      const running = [0, 0];
      const keys: string[][] = [[], []];
      const consumption = await log.consume(topic, 'g', {
        assigned: async () => 'beginning',
        async batch(partition, records) {
          running[partition]! += 1;
          expect(running[partition]).toBe(1);
          if (partition === 0) await stuck.opened;
          keys[partition]!.push(...records.map(({ key }) => key));
          running[partition]! -= 1;
        },
        revoked: async () => {},
      });
      for (let round = 0; round < 10; round += 1) await log.append(topic, [record(0, `a${round}`), record(1, `b${round}`)]);
      await until('partition 1 is through', () => keys[1]!.length === 10);
      expect(keys[0]).toEqual([]);
      stuck.open();
      await until('partition 0 is through', () => keys[0]!.length === 10);
      expect(keys[0]).toEqual(Array.from({ length: 10 }, (_, round) => `a${round}`));
      await consumption.close();
    });

    it('hands over batches of a bounded size and lets others run in between', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 1 });
      for (let round = 0; round < 20; round += 1) await log.append(topic, numbered(0, 500));
      const sizes: number[] = [];
      let breaths = 0;
      let ticking = true;
      const breathe = () => {
        breaths += 1;
        if (ticking) setImmediate(breathe);
      };
      breathe();
      const consumption = await log.consume(topic, 'g', {
        assigned: async () => 'beginning',
        async batch(_partition: number, records: readonly LogRecord[]) {
          sizes.push(records.length, breaths);
        },
        revoked: async () => {},
      });
      const total = () => sizes.filter((_, index) => index % 2 === 0).reduce((sum, size) => sum + size, 0);
      await until('all have arrived', () => total() === 10_000);
      ticking = false;
      const breathsAt = sizes.filter((_, index) => index % 2 === 1);
      expect(Math.max(...sizes.filter((_, index) => index % 2 === 0))).toBeLessThanOrEqual(1000);
      expect(new Set(breathsAt).size).toBe(breathsAt.length);
      await consumption.close();
    });
  });
}
