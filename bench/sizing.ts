import type { BenchRow } from './bench-row.js';
import { logRows } from './sizing/log.js';
import { memoryRows } from './sizing/memory.js';

/** What docs/operations.md sizes by: bytes on the log, memory of the fleet's state. `SIZING_BENCH=long` adds a row of some minutes. */
export async function run(): Promise<BenchRow[]> {
  return [...(await logRows()), ...memoryRows()];
}
