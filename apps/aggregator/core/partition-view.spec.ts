import { describe, expect, it } from 'vitest';
import { at, gateway } from '../../../test/support/fold.js';
import { RollupWriter } from '../../../test/support/rollups.js';
import { heartbeat, LIMITS, START_MS, type TestRecord } from '../../../test/support/traffic.js';
import { PartitionView } from './partition-view.js';
import type { RollupPart } from './rollup-keys.js';
import { canonical } from './state-parts.js';

const source = gateway();
const beats = (count: number, first = 0): readonly TestRecord[] =>
  Array.from({ length: count }, (_unused, index) =>
    at(heartbeat(source, 0, START_MS, 1), first + index, START_MS + (first + index) * 20_000),
  );

function put(view: PartitionView, parts: readonly RollupPart[]): void {
  for (const { name, value } of parts) view.put('r.1', name, value, START_MS);
}

describe('a view that is made while the owner goes on', () => {
  it('ends at the newest state, wherever bases and deltas come in between, and replace those it began with', () => {
    let steps = Infinity;
    for (let pause = 0; pause < steps; pause += 1) {
      const [view, writer] = [new PartitionView(LIMITS), new RollupWriter()];
      put(view, writer.fold(beats(5)).base());
      put(view, writer.fold(beats(2, 5)).delta());
      const restoring = view.restoring();
      let taken = 0;
      for (; taken < pause && !restoring.next().done; taken += 1);
      for (let round = 0; round < 3; round += 1) {
        const first = Number(writer.state.next);
        put(view, writer.fold(beats(1, first)).delta());
        put(view, writer.fold(beats(1, first + 1)).delta());
        put(view, writer.base());
        put(view, writer.fold(beats(1, first + 2)).delta());
      }
      while (!restoring.next().done) taken += 1;
      steps = taken;
      put(view, writer.fold(beats(1, 100)).delta());
      expect([pause, canonical(view.current.state!)]).toEqual([pause, canonical(writer.state)]);
      expect([view.isBehind, view.rejected]).toEqual([false, 0]);
    }
    expect(steps).toBeGreaterThan(5);
  });
});

it('a base whose head was overwritten with what cannot be read is not waited for', () => {
  const [view, writer] = [new PartitionView(LIMITS), new RollupWriter()];
  put(view, writer.fold(beats(5)).base());
  view.put('r.1', 'head', Buffer.from('spoiled'), START_MS);
  let steps = 0;
  const restoring = view.restoring();
  while (!restoring.next().done && steps < 1_000) steps += 1;
  expect(steps).toBeLessThan(1_000);
  expect(view.current.state).toBeUndefined();
});
