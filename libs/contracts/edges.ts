/**
 * Upper bounds of the exact histograms, in seconds or tokens, ascending; a value equal to an edge belongs to that cell (`le`).
 * Each set is the union of vLLM's buckets, the seed's bins and its 3 s alert, so that every name set can show its own subset.
 */
export const TTFT_EDGES_SECONDS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 3, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
] as const;

export const LATENCY_EDGES_SECONDS = [
  0.1, 0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
] as const;

/** Also the edges of `gaps` in terminal events: `gaps[i]` counts the pauses between token chunks that fell into cell i. */
export const PER_TOKEN_EDGES_SECONDS = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
] as const;

/** The 1-2-5 series from 1 to 1,000,000 tokens. */
export const TOKEN_EDGES = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
] as const;

/** The cell of `value`: the first edge that is not below it, or `edges.length` for the cell above the last edge. */
export function cellOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (edges[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
