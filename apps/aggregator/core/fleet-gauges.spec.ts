import { describe, expect, it } from 'vitest';
import { EventSource, type GpuReading } from '#libs/contracts';
import { at, beat, fold, gateway } from '../../../test/support/fold.js';
import { heartbeat, onePlanned, eventsOf, START_MS } from '../../../test/support/traffic.js';
import { clockOf, gatewaySilenceSeconds, gpuAgeSeconds, gpuSummary, latestReadings, liveGateways, memoryPercent } from './fleet-gauges.js';
import type { PartitionState } from './partition-state.js';

const GIB = 1024 ** 3;

describe('gateways', () => {
  it('are silent since the last heartbeat of any, in any partition', () => {
    const early = fold([at(beat(gateway(), START_MS), 0, START_MS)]);
    const late = fold([at(beat(gateway(), START_MS), 0, START_MS + 4_000)]);
    const request = eventsOf(onePlanned(), gateway('boot-2', 'other'), 0, START_MS);
    fold([at(request[0]!, 1, START_MS + 10_000)], late);
    expect([gatewaySilenceSeconds([early]), gatewaySilenceSeconds([early, late])]).toEqual([0, 6]);
  });

  it('that were never there are silent since the counters began; without a record nobody is', () => {
    const aggregator = new EventSource('/aggregators/a', 'boot');
    const word = (offset: number, atMs: number) =>
      at(aggregator.stamp('io.inferometer.aggregator.heartbeat.v1', 0, 'a', { version: '1' }, atMs), offset, atMs);
    const state = fold([word(0, START_MS), word(1, START_MS + 20_000)]);
    expect([gatewaySilenceSeconds([state]), gatewaySilenceSeconds([])]).toEqual([20, 0]);
    expect(liveGateways([state])).toEqual([]);
  });

  it('are told by the newest of their heartbeats, though an older one comes behind it', () => {
    const source = gateway();
    const [old, young] = [heartbeat(source, 0, START_MS, 1), heartbeat(source, 0, START_MS, 2)];
    const state = fold([at(young, 0, START_MS), at(old, 1, START_MS)]);
    expect(liveGateways([state]).map(({ running }) => running)).toEqual([2]);
  });

  it('have the peak of one beside what the others last said', () => {
    const [one, other] = [gateway('boot', 'one'), gateway('boot', 'other')];
    const state = fold([
      at(heartbeat(one, 0, START_MS, 3), 0, START_MS),
      at(heartbeat(other, 0, START_MS, 4), 1, START_MS),
      at(heartbeat(one, 0, START_MS, 1), 2, START_MS),
    ]);
    expect(state.peakRunning).toBe(7);
  });
});

describe('GPUs', () => {
  const probe = new EventSource('/probes/p', 'boot');
  const read = (atMs: number, reading: Partial<GpuReading>): PartitionState => {
    const usual = { host: 'h', uuid: 'u', index: 0, name: 'X', vendor: 'NVIDIA', memory_total_bytes: 8 * GIB, memory_free_bytes: GIB };
    const data = { ...usual, memory_used_bytes: 4 * GIB, ...reading };
    return fold([at(probe.stamp('io.inferometer.gpu.read.v1', 0, 'u', data, atMs), 0, atMs)]);
  };

  it('are told by their latest reading, whatever partition that is in', () => {
    const [young, old] = [read(START_MS + 5_000, { memory_used_bytes: 2 }), read(START_MS, { memory_used_bytes: 1 })];
    for (const states of [
      [young, old],
      [old, young],
    ]) {
      expect(latestReadings(states).map(({ reading }) => reading.memory_used_bytes)).toEqual([2]);
    }
  });

  it('are summed, and the set of them is named', () => {
    const states = [read(START_MS, {}), read(START_MS, { uuid: 'v', index: 1 }), read(START_MS + 3_000, { host: 'a', name: 'Y' })];
    const gpus = latestReadings(states);
    expect(gpus.map(({ reading }) => `${reading.host}/${reading.index}`)).toEqual(['a/0', 'h/0', 'h/1']);
    expect(gpuSummary(gpus)).toMatchObject({ name: '1 × Y, 2 × X', allocated_gb: 12, total_gb: 24, utilization_percent: 50 });
    expect([memoryPercent(gpus), memoryPercent([])]).toEqual([50, 0]);
  });

  it('are as old as the newest reading of any', () => {
    const states = [read(START_MS, {}), read(START_MS + 3_000, { uuid: 'v' })];
    expect([gpuAgeSeconds(latestReadings(states), clockOf(states)), gpuAgeSeconds([], clockOf([]))]).toEqual([0, 0]);
    expect(gpuAgeSeconds(latestReadings(states.slice(0, 1)), clockOf(states))).toBe(3);
  });
});
