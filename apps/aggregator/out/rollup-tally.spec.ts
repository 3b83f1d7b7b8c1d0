import { expect, it } from 'vitest';
import { deltaName, HEAD, rollupKey } from '../core/rollup-keys.js';
import { RollupTally } from './rollup-tally.js';

const keyOf = (name: string): string => rollupKey({ input: 'requests', partition: 0, writer: 'w', name });
const record = (name: string, value: Uint8Array | null) => ({ partition: 0, key: keyOf(name), value });

it('counts by kind what the log has taken, and nothing else', async () => {
  let isAway = false;
  const tally = new RollupTally({ append: () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve()) });
  expect(tally.ageMs).toBeUndefined();
  await tally.append('rollups', [record(deltaName(0), Buffer.alloc(10)), record(HEAD, Buffer.alloc(20)), record('series@a', null)]);
  const stored = {
    delta: { records: 1, bytes: 10 + keyOf(deltaName(0)).length },
    base: { records: 1, bytes: 20 + keyOf(HEAD).length },
    deletion: { records: 1, bytes: keyOf('series@a').length },
  };
  expect(tally.stored).toEqual(stored);
  expect(tally.ageMs).toBeGreaterThanOrEqual(0);
  isAway = true;
  await expect(tally.append('rollups', [record(deltaName(1), Buffer.alloc(10))])).rejects.toThrow('away');
  expect(tally.stored).toEqual(stored);
});
