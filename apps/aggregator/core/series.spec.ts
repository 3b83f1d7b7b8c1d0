import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventSource } from '#libs/contracts';
import { eventsOf, onePlanned, recordsOf, START_MS } from '../../../test/support/traffic.js';
import { PartitionState } from './partition-state.js';
import { SeriesTable, type LabelLimits } from './series.js';
import { canonical, copyOf } from './state-parts.js';

const OPEN: LabelLimits = { models: [], maxModels: 2, maxTenants: 1 };

function labelsOf(limits: LabelLimits, requests: readonly (readonly [model: string, tenant?: string])[]): string[] {
  const table = new SeriesTable(limits);
  return requests.map(([model, tenant]) => {
    const { labels } = table.of('chat', model, tenant);
    return `${labels.model}/${labels.tenant}`;
  });
}

describe('series', () => {
  it('are made for the first models and tenants that are seen; the rest share one', () => {
    const requests = [['a', 'x'], ['b'], ['c'], ['a', 'y'], ['b', 'x'], ['other'], ['d', 'z']] as const;
    expect(labelsOf(OPEN, requests)).toEqual(['a/x', 'b/', 'other/', 'a/other', 'b/x', 'other/', 'other/other']);
  });

  it('spend no room on requests without a model or a tenant, whenever these come', () => {
    expect(labelsOf(OPEN, [['', 'x'], ['a'], ['b'], ['c']])).toEqual(['/x', 'a/', 'b/', 'other/']);
    expect(labelsOf(OPEN, [['a'], ['b'], ['c'], ['']])).toEqual(['a/', 'b/', 'other/', '/']);
  });

  it('are made for the models of the list alone, where there is one', () => {
    expect(labelsOf({ ...OPEN, models: ['b'] }, [['a'], ['b'], ['']])).toEqual(['other/', 'b/', 'other/']);
    expect(labelsOf({ ...OPEN, maxTenants: 0 }, [['a', 'x'], ['a']])).toEqual(['a/other', 'a/']);
  });

  it('are made for no more operations than a gateway could have', () => {
    const table = new SeriesTable(OPEN);
    const operations = Array.from({ length: 40 }, (_unused, index) => table.of(`op_${index}`, 'm').labels.operation);
    expect(operations.slice(0, 32)).toEqual(Array.from({ length: 32 }, (_unused, index) => `op_${index}`));
    expect(new Set(operations.slice(32))).toEqual(new Set(['other']));
  });

  it('are the same whether or not the fold was restored on the way', () => {
    const names = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', '', 'other'), fc.constantFrom(undefined, 'x', 'y', 'other')), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(names, fc.nat(20), (requests, cut) => {
        const source = new EventSource('/gateways/gw', 'boot');
        const events = requests.flatMap(([model, tenant], index) =>
          eventsOf(onePlanned({ id: `req-${index}`, model, tenant, started: false }), source, 0, START_MS),
        );
        const [straight, first] = [new PartitionState(OPEN), new PartitionState(OPEN)];
        const records = recordsOf(events);
        for (const record of records) straight.apply(record, record.decoded);
        for (const record of records.slice(0, cut)) first.apply(record, record.decoded);
        const restored = copyOf(first, OPEN);
        for (const record of records.slice(cut)) restored.apply(record, record.decoded);
        expect(canonical(restored)).toBe(canonical(straight));
      }),
    );
  });
});
