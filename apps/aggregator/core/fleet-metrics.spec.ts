import { describe, expect, it } from 'vitest';
import { EventSource } from '#libs/contracts';
import { liveView, RollupWriter } from '../../../test/support/rollups.js';
import { traceId, tracedBy } from '../../../test/support/fold.js';
import { interleaved, onePlanned, recordsOf } from '../../../test/support/traffic.js';
import { gathering } from './fleet-metrics.js';
import type { FleetView } from './fleet-view.js';
import { atOnce } from './steps.js';

const START_MS = Date.parse('2026-01-01T00:00:00Z');
const source = new EventSource('/gateways/g', 'boot');

/** One more request is received in the partition, and published. */
function receive(view: FleetView, writer: RollupWriter, partition: number): void {
  const data = { request_id: `r-${partition}-${String(writer.state.next)}`, operation: 'chat', model: 'm', stream: true };
  const event = source.stamp('io.inferometer.request.received.v1', partition, data.request_id, data, START_MS);
  writer.fold(recordsOf([event], writer.state.next, START_MS));
  writer.put(view, writer.delta());
}

describe('gathering', () => {
  it('goes partition by partition, takes each as it is when its turn comes, and marks what that was', () => {
    const view = liveView();
    const writers = [0, 1].map((partition) => new RollupWriter({ partition }));
    for (const [partition, writer] of writers.entries()) receive(view, writer, partition);
    const before = atOnce(gathering(view, []));
    const steps = gathering(view, []);
    expect(steps.next().done).toBe(false);
    // The first one's turn is over, the second one's is still to come.
    for (const [partition, writer] of writers.entries()) receive(view, writer, partition);
    const moved = atOnce(steps);
    const after = atOnce(gathering(view, []));
    expect([before, moved, after].map(({ models }) => models.get('m')?.total)).toEqual([2, 3, 4]);
    for (const { models } of [before, moved, after]) expect(models.get('m')?.reconciled).toBe(true);
    expect(new Set([before, moved, after].map(({ marks }) => JSON.stringify(marks))).size).toBe(3);
    expect([moved.marks[0], moved.marks[1]]).toEqual([before.marks[0], after.marks[1]]);
  });

  it('shows of each cell the newest exemplar of all partitions, series and engines, whichever comes first', () => {
    for (const newest of [0, 1]) {
      const view = liveView();
      for (const partition of [0, 1]) {
        const writer = new RollupWriter({ partition });
        const events = interleaved([onePlanned({ end: 'completed', tenant: `t-${partition}` })], source, partition);
        const traced = events.map((event) => tracedBy(event, 1 + partition));
        writer.fold(recordsOf(traced, 0n, START_MS + (partition === newest ? 1 : 0)));
        writer.put(view, writer.delta());
      }
      const { engines, operations } = atOnce(gathering(view, []));
      const shown = [engines[0]!.figures.histograms.of('latency'), operations[0]!.ended.duration];
      const exemplar = { traceId: traceId(1 + newest), value: 1, timestampMs: START_MS + 201 };
      expect(shown.map(({ exemplars }) => exemplars.filter((one) => one !== undefined))).toEqual([[exemplar], [exemplar]]);
    }
  });
});
