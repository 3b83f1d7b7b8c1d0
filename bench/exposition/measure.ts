import { setImmediate as nextTurn } from 'node:timers/promises';

export interface Measured {
  /** Of the first one. */
  readonly firstMs: number;
  /** Of the median one after those that warm up. */
  readonly medianMs: number;
  /** The longest that others wait for their turn in the median one: on a busy machine that is also the time that another process takes. */
  readonly blockMs: number;
  /** The longest work between two turns in all of them but those that warm up, as CPU time of this thread. */
  readonly blockCpuMs: number;
  /** The most memory that was resident, above what was before the first. */
  readonly residentBytes: number;
}

const WARM_UPS = 5;
const ROUNDS = 25;

/** Does `work` again and again, and looks at the clocks and at the memory in each turn of the event loop. */
export async function measure(work: () => Promise<unknown>): Promise<Measured> {
  const before = process.memoryUsage.rss();
  let resident = before;
  const rounds = [];
  for (let round = 0; round < WARM_UPS + ROUNDS; round += 1) {
    let [blockMs, blockCpuMs, lastMs, lastCpuMs] = [0, 0, performance.now(), cpuMs()];
    const startMs = lastMs;
    await inEachTurn(work, () => {
      [blockMs, blockCpuMs] = [Math.max(blockMs, performance.now() - lastMs), Math.max(blockCpuMs, cpuMs() - lastCpuMs)];
      resident = Math.max(resident, process.memoryUsage.rss());
      [lastMs, lastCpuMs] = [performance.now(), cpuMs()];
    });
    rounds.push({ ms: performance.now() - startMs, blockMs, blockCpuMs });
  }
  const warm = rounds.slice(WARM_UPS);
  return {
    firstMs: rounds[0]!.ms,
    medianMs: median(warm.map(({ ms }) => ms)),
    blockMs: median(warm.map((round) => round.blockMs)),
    blockCpuMs: Math.max(...warm.map((round) => round.blockCpuMs)),
    residentBytes: resident - before,
  };
}

/** The most memory that is in use while `work` is done, seen in every tenth turn: garbage is collected before each look. */
export async function mostInUse(work: () => Promise<unknown>): Promise<number> {
  let [most, turns] = [0, 0];
  await inEachTurn(work, () => {
    turns += 1;
    if (turns % 10 === 0) most = Math.max(most, bytesInUse());
  });
  return most;
}

/** Node has to run with --expose-gc. */
export function bytesInUse(): number {
  // The second one gives back what the first one found to be held by nobody.
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function inEachTurn(work: () => Promise<unknown>, look: () => void): Promise<void> {
  let isOver = false;
  const turn = () => {
    look();
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  isOver = true;
  await nextTurn();
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
