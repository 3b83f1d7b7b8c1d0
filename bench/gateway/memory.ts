import type { BenchRow } from '../bench-row.js';
import { residentMegabytes } from '../processes.js';
import { load } from './client.js';
import { chatRequest, type Target } from './proxies.js';
import { streamBody } from './work.js';

/** Streams that are open and flow, at the pace of a server that is so busy, and what the gateway may have in hand meanwhile, in MB. */
const CASES = [
  { streams: 50, everyMs: 20, bar: 150 },
  { streams: 1_000, everyMs: 100, bar: 300 },
];
const FLOW_MS = 8_000;
const SAMPLE_MS = 250;

/** The most memory that a gateway has in hand, one that was just started and has served nothing else. */
export async function memoryRows(gateway: Target): Promise<BenchRow[]> {
  const fresh = residentMegabytes(gateway.child.pid);
  const rows: BenchRow[] = [{ name: 'resident memory, gateway, after the start', value: fresh, unit: 'MB' }];
  for (const { streams, everyMs, bar } of CASES) {
    const value = await mostDuring(gateway, streams, everyMs);
    const name = `resident memory, gateway, ${streams.toLocaleString('en')} streams open`;
    rows.push({ name, value, unit: 'MB', bar: `<= ${bar}`, met: value <= bar });
  }
  return rows;
}

async function mostDuring(gateway: Target, streams: number, everyMs: number): Promise<number> {
  const request = chatRequest(gateway, streamBody(FLOW_MS / everyMs, everyMs));
  let most = 0;
  const sampling = setInterval(() => (most = Math.max(most, residentMegabytes(gateway.child.pid))), SAMPLE_MS);
  try {
    await load(gateway.url, request, streams, 0);
  } finally {
    clearInterval(sampling);
  }
  return most;
}
