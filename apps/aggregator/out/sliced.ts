import { setImmediate as nextTurn } from 'node:timers/promises';

/** Others wait at most this long, and one step, for their turn. */
const SLICE_MS = 5;

/** Goes through the steps of some long work, and lets others have their turn in between. Resolves with what it returns. */
export async function sliced<T>(steps: Generator<unknown, T>): Promise<T> {
  let sinceMs = performance.now();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - sinceMs < SLICE_MS) continue;
    await nextTurn();
    sinceMs = performance.now();
  }
}
