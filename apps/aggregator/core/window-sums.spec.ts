import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventSource } from '#libs/contracts';
import { liveView, RollupWriter } from '../../../test/support/rollups.js';
import { eventsOf, heartbeat, onePlanned, START_MS } from '../../../test/support/traffic.js';
import { Figures } from './figures.js';
import { emplace } from './series.js';
import type { GroupBy } from './window-sums.js';

const MINUTE_MS = 60_000;
const WINDOWS_MS = [MINUTE_MS, 5 * MINUTE_MS, 60 * MINUTE_MS];

/** Two partitions, written by one replica and read by a view. */
class Fleet {
  readonly view = liveView();
  private readonly writers = [0, 1].map((partition) => new RollupWriter({ partition }));
  readonly states = this.writers.map(({ state }) => state);
  private readonly source = new EventSource('/gateways/gw', 'boot');
  private offset = 0n;
  private requests = 0;

  request(partition: number, atMs: number, nowMs: number, model: string, tenant: string): void {
    this.requests += 1;
    const planned = onePlanned({ id: `req-${this.requests}`, model, tenant, end: 'completed', durationMs: 10 * this.requests });
    const beat = heartbeat(this.source, partition, nowMs, this.requests % 7);
    for (const value of [...eventsOf(planned, this.source, partition, atMs), beat]) {
      this.writers[partition]!.fold([{ offset: this.offset, timestampMs: nowMs, decoded: { ok: true, value } }]);
      this.offset += 1n;
    }
  }

  publish(): void {
    for (const writer of this.writers) writer.put(this.view, writer.delta());
  }

  /** What the sums should be, from the states themselves. */
  expected(fromMs: number, groupBy: GroupBy): { readonly groups: object; readonly peakRunning: number } {
    const groups = new Map<string, Figures>();
    let peakRunning = 0;
    for (const { buckets, series } of this.states) {
      for (const [start, bucket] of buckets.fine) {
        if (start < fromMs) continue;
        peakRunning = Math.max(peakRunning, bucket.peakRunning);
        for (const [id, figures] of bucket.figures) {
          const name = groupBy(series.byId.get(id)!.labels);
          if (name !== undefined) emplace(groups, name, () => new Figures()).merge(figures);
        }
      }
    }
    return { groups: textsOf(groups), peakRunning };
  }
}

function textsOf(groups: ReadonlyMap<string, Figures>): object {
  return Object.fromEntries([...groups].map(([name, figures]) => [name, JSON.stringify(figures)]));
}

const step = fc.record({
  partition: fc.nat(1),
  passMs: fc.constantFrom(0, 700, 9_000, 61_000, 1_000_000),
  ageMs: fc.constantFrom(0, 0, 5_000, 65_000, 1_800_000, 4_000_000),
  model: fc.constantFrom('a', 'b', '__proto__'),
  tenant: fc.constantFrom('red', 'blue'),
});

const byModel: GroupBy = ({ model }) => model;
const redOnly: GroupBy = ({ model, tenant }) => (tenant === 'red' ? model : undefined);

function failReading(start: number): never {
  throw new Error(`the bucket at ${start} was read`);
}

describe('the sums of windows', () => {
  it('are those of the buckets, however these come, change and go', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
        const fleet = new Fleet();
        let nowMs = START_MS;
        for (const { partition, passMs, ageMs, model, tenant } of steps) {
          nowMs += passMs;
          fleet.request(partition, nowMs - ageMs, nowMs, model, tenant);
          fleet.publish();
          const states = fleet.view.states('requests');
          for (const windowMs of WINDOWS_MS) {
            const fromMs = Math.floor((nowMs - windowMs) / 10_000) * 10_000;
            const all = fleet.view.windows.byModel(states, fromMs);
            expect({ ...all, groups: textsOf(all.groups) }).toEqual(fleet.expected(fromMs, byModel));
            const red = fleet.view.windows.by(states, fromMs, redOnly);
            expect({ ...red, groups: textsOf(red.groups) }).toEqual(fleet.expected(fromMs, redOnly));
          }
        }
      }),
    );
  });

  it('read no bucket anew to which nothing was added', () => {
    const fleet = new Fleet();
    for (let index = 0; index < 20; index += 1) fleet.request(0, START_MS + index * 10_000, START_MS + 200_000, 'a', 'red');
    fleet.publish();
    const states = fleet.view.states('requests');
    const before = fleet.view.windows.byModel(states, START_MS);
    fleet.request(0, START_MS + 200_000, START_MS + 200_000, 'a', 'red');
    fleet.publish();
    for (const [start, bucket] of states[0]!.buckets.fine) {
      if (start < START_MS + 200_000) Object.defineProperty(bucket, 'figures', { get: () => failReading(start) });
    }
    const after = fleet.view.windows.byModel(states, START_MS);
    expect(after.groups.get('a')!.received).toBe(before.groups.get('a')!.received + 1);
  });
});
