import { performance } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import type { PROCESS_INSTRUMENTS } from './instruments.js';
import type { LoopWatch } from './loop-watch.js';
import type { ReadValues, Tell } from './observations.js';

type Key = keyof typeof PROCESS_INSTRUMENTS;

/** Reads what every process tells. */
export function processReadings(app: string, version: string, loop: LoopWatch): ReadValues<Key> {
  return (tell) => {
    tell('buildInfo', 1, { app, version, node: process.versions.node });
    tell('uptime', process.uptime());
    tell('memory', process.memoryUsage.rss());
    tellCpu(tell);
    tellHeap(tell);
    tellLoop(tell, loop);
  };
}

function tellCpu(tell: Tell<Key>): void {
  const { user, system } = process.cpuUsage();
  tell('cpu', user / 1e6, { 'cpu.mode': 'user' });
  tell('cpu', system / 1e6, { 'cpu.mode': 'system' });
}

function tellHeap(tell: Tell<Key>): void {
  for (const space of getHeapSpaceStatistics()) {
    const labels = { 'v8js.heap.space.name': space.space_name };
    tell('heapUsed', space.space_used_size, labels);
    tell('heapSize', space.space_size, labels);
  }
}

function tellLoop(tell: Tell<Key>, loop: LoopWatch): void {
  const { active, idle } = performance.eventLoopUtilization();
  tell('loopTime', active / 1e3, { 'nodejs.eventloop.state': 'active' });
  tell('loopTime', idle / 1e3, { 'nodejs.eventloop.state': 'idle' });
  const { p50, p99, max, utilization } = loop.read();
  tell('loopUtilization', utilization);
  tell('loopDelayP50', p50);
  tell('loopDelayP99', p99);
  tell('loopDelayMax', max);
}
