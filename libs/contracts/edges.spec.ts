import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellOf, LATENCY_EDGES_SECONDS, PER_TOKEN_EDGES_SECONDS, TOKEN_EDGES, TTFT_EDGES_SECONDS } from './edges.js';

/** Word for word as the contract lists them. */
const LISTED = {
  ttft: '.001 .005 .01 .02 .04 .06 .08 .1 .25 .5 .75 1 2.5 3 5 7.5 10 20 40 80 160 640 2560',
  latency: '.1 .3 .5 .8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480 960 1920 7680',
  perToken: '.01 .025 .05 .075 .1 .15 .2 .3 .4 .5 .75 1 2.5 5 7.5 10 20 40 80',
  tokens: '1 2 5 10 20 50 100 200 500 1000 2000 5000 10000 20000 50000 100000 200000 500000 1000000',
};
const EDGES: Record<keyof typeof LISTED, readonly number[]> = {
  ttft: TTFT_EDGES_SECONDS,
  latency: LATENCY_EDGES_SECONDS,
  perToken: PER_TOKEN_EDGES_SECONDS,
  tokens: TOKEN_EDGES,
};

describe('the edges of the histograms', () => {
  it.each(Object.keys(LISTED) as (keyof typeof LISTED)[])('are those of the contract, ascending: %s', (name) => {
    expect(EDGES[name]).toEqual(LISTED[name].split(' ').map(Number));
    expect(EDGES[name]).toEqual([...new Set(EDGES[name])].toSorted((a, b) => a - b));
  });

  it("hold the seed's bins and its 3 s alert", () => {
    expect(LATENCY_EDGES_SECONDS).toEqual(expect.arrayContaining([0.1, 0.5, 1, 2, 5, 10]));
    expect(TTFT_EDGES_SECONDS).toContain(3);
  });
});

describe('cellOf', () => {
  it('puts a value that equals an edge below it, and one above the last edge into the cell beyond', () => {
    expect([0, 0.001, 0.0011, 3, 3.0001, 2560, 2561, Infinity].map((value) => cellOf(TTFT_EDGES_SECONDS, value))).toEqual([
      0, 0, 1, 13, 14, 22, 23, 23,
    ]);
    expect(cellOf([], 1)).toBe(0);
  });

  it('agrees with a search one by one', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(EDGES)), fc.double({ min: 0, max: 3e6, noNaN: true }), (edges, value) => {
        const found = edges.findIndex((edge) => value <= edge);
        expect(cellOf(edges, value)).toBe(found === -1 ? edges.length : found);
      }),
    );
  });
});
