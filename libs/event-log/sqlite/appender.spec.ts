import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { OutgoingRecord } from '../event-log.js';
import { Appender } from './appender.js';
import { unpackFrame } from './frame.js';
import type { Topic } from './topic-tables.js';
import type { Append } from './writer.js';
import type { WriterHost } from './writer-host.js';

const TOPIC: Topic = {
  id: 1,
  name: 't',
  partitionIds: [10, 11, 12],
  compacted: false,
  policy: 'delete',
  retentionMs: null,
  retentionBytes: null,
};

/** Reads what it is given as late as it may: when it answers. */
class LateHost {
  /** By partition: each record's key and checksum. */
  readonly stored: string[][] = [[], [], []];
  /** The memory of the frames of each call. */
  readonly memories: ArrayBufferLike[][] = [];
  calls = 0;

  constructor(
    private readonly turns: number,
    private readonly failing: ReadonlySet<number> = new Set(),
  ) {}

  async call(_name: string, [frames]: readonly [readonly Append[]]): Promise<void> {
    this.calls += 1;
    const isFailing = this.failing.has(this.calls);
    this.memories.push(frames.map(({ data }) => data.buffer));
    for (let turn = 0; turn < this.turns; turn += 1) await nextTurn();
    if (isFailing) throw new Error('away');
    for (const { data, partitionId } of frames) {
      const partition = partitionId - 10;
      const records = unpackFrame(data, { partition, firstOffset: 0, timestampMs: 0 });
      this.stored[partition]!.push(...records.map(summaryOf));
    }
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const appenderOn = (host: LateHost) =>
  new Appender(
    host as unknown as WriterHost,
    () => 0,
    () => {},
  );
const summaryOf = ({ key, value }: Pick<OutgoingRecord, 'key' | 'value'>) => `${key} ${crc32(value!)}`;

it('keeps the bytes of what it has handed over until there is an answer, whatever is appended meanwhile', async () => {
  // Together more than a transaction takes, and more than its memory holds, so that some lie behind others that go first.
  const size = fc.oneof({ weight: 4, arbitrary: fc.nat(2_000) }, { weight: 2, arbitrary: fc.constantFrom(300_000, 900_000) });
  const append = fc.record({ sizes: fc.array(size, { maxLength: 6 }), waits: fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(fc.array(append, { maxLength: 40 }), fc.nat(3), fc.uniqueArray(fc.nat(5)), async (appends, turns, failing) => {
      const host = new LateHost(turns, new Set(failing));
      const appender = appenderOn(host);
      const taken: string[][] = [[], [], []];
      const pending: Promise<void>[] = [];
      for (const [number, { sizes, waits }] of appends.entries()) {
        const records = sizes.map((bytes, at) => ({
          partition: at % 3,
          key: `${number}/${at}`,
          value: new Uint8Array(bytes).fill(number),
        }));
        const keep = (): void => records.forEach((record) => taken[record.partition]!.push(summaryOf(record)));
        pending.push(appender.append(TOPIC, records).then(keep, () => {}));
        for (let turn = 0; turn < waits; turn += 1) await nextTurn();
      }
      await Promise.all(pending);
      expect(host.stored).toEqual(taken);
    }),
    { numRuns: 40 },
  );
});

it('uses its memory again, of two transactions in turn', async () => {
  const host = new LateHost(1);
  const appender = appenderOn(host);
  const record = { partition: 0, key: 'k', value: Buffer.from('v') };
  for (let round = 0; round < 6; round += 1) {
    const first = appender.append(TOPIC, [record]);
    await nextTurn();
    await Promise.all([first, appender.append(TOPIC, [record])]);
  }
  expect(host.calls).toBe(12);
  expect(new Set(host.memories.flat()).size).toBe(2);
});

it('keeps the bytes of what a full transaction has left waiting', async () => {
  const host = new LateHost(4);
  const appender = appenderOn(host);
  const append = (key: string, bytes: number) => appender.append(TOPIC, [{ partition: 0, key, value: Buffer.alloc(bytes, key) }]);
  const appended = Array.from({ length: 10 }, (_, index) => append(`large ${index}`, 900_000));
  appended.push(append('behind', 100));
  for (let turn = 0; host.calls < 2 && turn < 1_000; turn += 1) await nextTurn();
  appended.push(append('beyond', 950_000));
  await Promise.all(appended);
  expect(host.calls).toBe(3);
  expect(host.stored[0]!.at(-2)).toBe(summaryOf({ key: 'behind', value: Buffer.alloc(100, 'behind') }));
});
