import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { countsOf, expectInOrder, Life, missing, POISON, ScriptedLog, STARTED, TOKEN, until } from './outbox.fixture.js';
import type { LogAnswer, OfferedType } from './outbox.fixture.js';
import { SpoolMemory, type DiskAnswer } from './spool.fixture.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Step =
  | { readonly kind: 'offer'; readonly count: number; readonly type: OfferedType }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'mood'; readonly mood: LogAnswer }
  | { readonly kind: 'log'; readonly answer: LogAnswer }
  | { readonly kind: 'disk'; readonly answer: DiskAnswer }
  | { readonly kind: 'kill' };

const logAnswer = fc.constantFrom<LogAnswer>(
  'stores',
  'fails',
  'stores, then fails',
  'stores soon',
  'stores late',
  'fails soon',
  'fails late',
  'hangs',
  'wrong password',
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('offer' as const),
      count: fc.constantFrom(1, 3, 40, 700, 2500),
      type: fc.constantFrom<OfferedType>(STARTED, STARTED, STARTED, TOKEN, TOKEN, POISON),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 5, 10, 25, 60, 300, 2_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('mood' as const), mood: fc.oneof(logAnswer, fc.constant<LogAnswer>('no such topic')) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('log' as const), answer: logAnswer }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('disk' as const),
      answer: fc.constantFrom<DiskAnswer>('ok', 'fails', 'stores, then fails', 'slow', 'slow', 'slow'),
    }),
  },
);

async function take(next: Step, life: Life, files: SpoolMemory): Promise<void> {
  if (next.kind === 'offer') life.offer(next.type === POISON ? 1 : next.count, next.type);
  if (next.kind === 'pass') await vi.advanceTimersByTimeAsync(next.ms);
  if (next.kind === 'mood') life.shared.mood = next.mood;
  if (next.kind === 'log') life.shared.answers.push(next.answer);
  if (next.kind === 'disk') files.answers.push(next.answer);
}

async function heal(life: Life, files: SpoolMemory): Promise<void> {
  life.shared.mood = 'stores';
  life.shared.answers.length = 0;
  files.answers.length = 0;
  await until(() => life.waiting === 0);
}

/** fast-check prints the seed and the smallest failing script. */
describe('whatever the log and the disk do', () => {
  it.each([
    ['with room', { maxBytes: 1e9, capacity: 100_000 }],
    ['without much room', { maxBytes: 300_000, capacity: 1_000 }],
  ])('%s, every event is stored, in order of first arrival, or counted', async (_, limits) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const files = new SpoolMemory();
        const life = new Life(new ScriptedLog(), files, 'boot', limits);
        for (const next of steps) {
          await take(next, life, files);
          expect(life.outbox.queued).toBeLessThanOrEqual(limits.capacity);
          expect(life.outbox.spoolBytes).toBeLessThanOrEqual(limits.maxBytes);
        }
        await heal(life, files);
        const { [POISON]: poisonous = 0, ...lost } = countsOf(missing(life));
        const { [POISON]: refused = 0, ...dropped } = life.outbox.droppedByType;
        expect(dropped).toEqual(lost);
        expect(refused).toBeGreaterThanOrEqual(poisonous); // One that is on disk twice is refused twice.
        expect(life.outbox.dropped).toBe(refused + Object.values(dropped).reduce((sum, count) => sum + count, 0));
        expectInOrder(life.shared);
        await life.outbox.close(0);
      }),
      { numRuns: 150 },
    );
  });

  it('a kill loses nothing but what was in memory', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.array(step, { maxLength: 10 }), async (before, after) => {
        const files = new SpoolMemory();
        const first = new Life(new ScriptedLog(), files, 'first');
        for (const next of before) await take(next, first, files);
        const inMemory = first.kill();
        const second = new Life(first.shared, files, 'second');
        for (const next of after) await take(next, second, files);
        await heal(second, files);
        const lost = [...missing(first).filter(({ id }) => !inMemory.has(id)), ...missing(second)];
        expect(lost.filter(({ type }) => type !== POISON)).toEqual([]);
        expectInOrder(first.shared, 'first');
        expectInOrder(first.shared, 'second');
        await second.outbox.close(0);
      }),
      { numRuns: 150 },
    );
  });
});
