import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, gateway, hardTimes } from '../../../test/support/fold.js';
import { CompactedTopic, liveView, restore, RollupWriter } from '../../../test/support/rollups.js';
import { heartbeat, interleaved, LIMITS, onePlanned, recordsOf, START_MS, type TestRecord } from '../../../test/support/traffic.js';
import { FleetView } from './fleet-view.js';
import { Totals, totalsBy } from './fleet-totals.js';
import { PartitionState } from './partition-state.js';
import { rollupKey, type RollupPart } from './rollup-keys.js';
import { atOnce } from './steps.js';
import { canonical, copyOf } from './state-parts.js';

const source = gateway();
const beats = (count: number, first = 0): readonly TestRecord[] =>
  Array.from({ length: count }, (_unused, index) =>
    at(heartbeat(source, 0, START_MS, 1), first + index, START_MS + (first + index) * 1_000),
  );
const nexts = (view: FleetView) => view.states('requests').map(({ next }) => next);

/** What owners do one after another: fold some, publish, write a base, hand over, or go on as a zombie. */
const step = fc.record({
  writer: fc.nat(2),
  count: fc.integer({ min: 0, max: 8 }),
  base: fc.constantFrom('none', 'none', 'whole', 'torn'),
});

describe('the fleet view', () => {
  it('comes to the same bytes whoever folds, publishes and writes bases when, live and late', () => {
    fc.assert(
      fc.property(hardTimes, fc.array(step, { maxLength: 20 }), fc.nat(40), (all, steps, cut) => {
        const [live, topic] = [liveView(), new CompactedTopic()];
        const owners = [0, 1, 2].map((id) => new RollupWriter({ writer: `r${id}.1` }));
        let rejoined: FleetView | undefined;
        for (const [index, { writer, count, base }] of steps.entries()) {
          const owner = owners[writer]!;
          const from = Number(owner.state.next);
          const deltas = owner.fold(all.slice(from, from + count)).delta();
          const parts = base === 'none' || owner.state.next === 0n ? [] : owner.base(base === 'torn');
          for (const target of [live, topic, rejoined]) if (target) owner.put(target, [...deltas, ...parts]);
          if (index === cut) rejoined = topic.read();
        }
        const owner = owners.toSorted((a, b) => Number(b.state.next - a.state.next))[0]!;
        const furthest = owner.state;
        const expected = furthest.next === 0n ? [] : [canonical(furthest)];
        for (const view of [live, topic.read(), ...(rejoined ? [rejoined] : [])]) {
          expect([view.states('requests').map(canonical), view.isBehind, view.rejected]).toEqual([expected, false, 0]);
        }
        // Who is heard of last is shown, too.
        const last = owner.fold([at(heartbeat(source, 0, START_MS), Number(furthest.next), furthest.logTimeMs)]).delta();
        for (const target of [live, topic]) owner.put(target, last);
        expect(topic.read().offset).toBe(live.offset);
      }),
      { numRuns: 300 },
    );
  });

  it('takes the base with the greatest epoch and offset, whoever wrote it and whenever it comes', () => {
    const topic = new CompactedTopic();
    const young = new RollupWriter({ writer: 'young.1' }).fold(beats(9));
    const zombie = new RollupWriter({ writer: 'zombie.1' }).fold(beats(5));
    young.put(topic, young.base());
    zombie.put(topic, zombie.base());
    expect(nexts(topic.read())).toEqual([9n]);
    const anew = new RollupWriter({ writer: 'anew.1', state: new PartitionState(LIMITS, { epoch: 1, replaced: 1, start: 0n }) });
    anew.fold(beats(2));
    anew.put(topic, anew.base());
    expect(nexts(topic.read())).toEqual([2n]);
  });

  it('never shows a delta half', () => {
    const view = liveView();
    const writer = new RollupWriter();
    for (const record of recordsOf(interleaved([onePlanned({ end: 'completed' }), onePlanned({ id: 'b', end: 'failed' })], gateway()))) {
      writer.fold([record]).put(view, writer.delta());
      const totals = totalsBy(view.states('requests'), () => '').get('') ?? new Totals();
      expect(totals.reconciled).toBe(true);
    }
  });

  it('goes on from where somebody left off, though the records before are gone', () => {
    const topic = new CompactedTopic();
    const first = new RollupWriter({ writer: 'first.1' }).fold(beats(5));
    first.put(topic, [...first.delta(), ...first.base()]);
    const next = new RollupWriter({ writer: 'next.1', state: copyOf(topic.read().states('requests')[0]!, LIMITS) }).fold(beats(3, 9));
    next.put(topic, next.delta());
    const [state] = topic.read().states('requests');
    expect([state!.next, state!.gapEvents]).toEqual([12n, 4]);
    expect(canonical(state!)).toBe(canonical(next.state));
  });

  it('is behind when a base is ahead of it, until it was read again; a base that cannot be read does not make it read for ever', () => {
    const [view, topic] = [liveView(), new CompactedTopic()];
    const writer = new RollupWriter().fold(beats(2));
    const putAll = (parts: readonly RollupPart[]): void => [view, topic].forEach((target) => writer.put(target, parts));
    putAll(writer.delta());
    writer.fold(beats(2, 2)).delta();
    putAll(writer.fold(beats(1, 4)).delta());
    expect([nexts(view), view.isBehind]).toEqual([[2n], false]);
    putAll(writer.base());
    expect([nexts(view), view.isBehind]).toEqual([[2n], true]);
    view.gather();
    expect([nexts(view), view.isBehind]).toEqual([[2n], false]);
    for (const [key, [value, timestampMs]] of topic.records) view.put(key, value, timestampMs);
    restore(view);
    expect(nexts(view)).toEqual([5n]);
    const torn = writer.fold(beats(1, 5)).base().slice(1);
    writer.put(view, torn);
    expect(view.isBehind).toBe(true);
    view.gather();
    writer.put(view, torn);
    restore(view);
    expect([nexts(view), view.rejected]).toEqual([[5n], 1]);
    writer.put(view, torn);
    expect(view.isBehind).toBe(false);
  });

  it('hears of partitions that were not there when it was read', () => {
    const view = new FleetView(LIMITS);
    const steps = view.restoring();
    const first = new RollupWriter({ input: 'gpus' }).fold(beats(1));
    first.put(view, first.delta());
    steps.next();
    const [later, last] = [0, 1].map((partition) => new RollupWriter({ partition }).fold(beats(1)));
    later!.put(view, later!.delta());
    atOnce(steps);
    last!.put(view, last!.delta());
    expect([nexts(view), view.isRestored]).toEqual([[1n, 1n], true]);
  });

  it('says how far a partition is behind the others if nobody reads it, and who is alive', () => {
    const view = liveView();
    const put = (partition: number, writer: string, atMs: number): void => {
      const owner = new RollupWriter({ partition, writer }).fold([at(heartbeat(source, 0, atMs), 0, atMs)]);
      owner.put(view, owner.delta(7));
    };
    put(0, 'one.1', START_MS);
    put(1, 'other.5', START_MS + 4_000);
    expect([view.lagMs, view.liveReplicas]).toEqual([7, 2]);
    put(2, 'other.6', START_MS + 60_000);
    expect([view.lagMs, view.liveReplicas]).toEqual([60_000, 1]);
  });

  it('is not whole while a partition is lost: while what its deltas lead on from is gone', () => {
    const view = new FleetView(LIMITS);
    const owner = new RollupWriter().fold(beats(2));
    owner.delta();
    owner.put(view, owner.fold(beats(1, 2)).delta());
    expect([view.isRestored, view.isWhole]).toEqual([false, false]);
    restore(view);
    expect([view.isRestored, view.isWhole, nexts(view)]).toEqual([true, false, []]);
    const next = new RollupWriter({ writer: 'next.1' }).fold(beats(1));
    next.put(view, next.delta());
    expect([view.isWhole, nexts(view)]).toEqual([true, [1n]]);
    owner.put(view, owner.fold(beats(1, 3)).delta());
    expect([view.isWhole, nexts(view)]).toEqual([true, [1n]]);
    expect(liveView().isWhole).toBe(true);
  });

  it('has another offset where anything that is shown is different', () => {
    const offsets = [
      { writer: 'one.1', lagMs: 0 },
      { writer: 'other.1', lagMs: 0 },
      { writer: 'one.1', lagMs: 900 },
      { writer: 'one.2', lagMs: 0 },
    ].map(({ writer, lagMs }) => {
      const view = liveView();
      const owner = new RollupWriter({ writer }).fold(beats(1));
      owner.put(view, owner.delta(lagMs));
      return view.offset;
    });
    expect(new Set(offsets).size).toBe(3);
    expect(offsets[3]).toBe(offsets[0]);
  });

  it('counts what it does not know: keys, and what the layout before this one wrote', () => {
    const view = liveView();
    view.put('nonsense', Buffer.from('{}'), START_MS);
    expect(view.foreign).toBe(1);
    const key = rollupKey({ input: 'requests', partition: 0, writer: 'old', name: 'head' });
    for (const value of ['{"format":2,"next":"7"}', '{', '[]', 'null']) view.put(key, Buffer.from(value), START_MS);
    expect([view.rejected, view.isBehind, nexts(view)]).toEqual([4, false, []]);
  });
});
