import OpenAI from 'openai';
import { request } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MetricsDocument } from '#libs/contracts';
import { startStackProcess, temporaryFolder, type StackProcess } from '../support/stack.js';
import { waitFor } from '../support/wait.js';
import { send, type LedgerLine, type PlannedCall } from './load.js';

const LOST_WITHIN_MS = 8_000;

const call = (id: string, overrides: Partial<PlannedCall> = {}): PlannedCall => ({
  id,
  model: 'demo-7b',
  stream: true,
  maxTokens: 5,
  askUsage: true,
  hangUpAfter: undefined,
  ...overrides,
});

async function start(folder: string): Promise<StackProcess> {
  const stack = await startStackProcess(folder, { TTFT_MS: '20', TOKENS_PER_SECOND: '100' });
  onTestFinished(async () => void (await stack.stop('SIGKILL')));
  return stack;
}

function sendAll(stack: StackProcess, calls: readonly PlannedCall[]): Promise<LedgerLine[]> {
  const client = new OpenAI({ baseURL: `${stack.gatewayUrl}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  return Promise.all(calls.map((one) => send(client, one)));
}

function until(stack: StackProcess, what: string, holds: (requests: MetricsDocument['requests']) => boolean, deadlineMs?: number) {
  return waitFor(
    what,
    async () => {
      const document = await stack.metrics('?window=all');
      return holds(document.requests) && document;
    },
    deadlineMs,
  );
}

/** All four of the first calls have ended, and a heartbeat has told of them. */
function allEnded({ total, waiting, running, peak_concurrent: peak }: MetricsDocument['requests']): boolean {
  return total === 4 && waiting + running === 0 && peak > 0;
}

describe('a stack that dies under load', () => {
  it('counts nothing twice after kill -9 and a restart, and what was open as lost within 8 s', async () => {
    const folder = temporaryFolder();
    const first = await start(folder);
    await sendAll(first, [call('a'), call('b', { stream: false }), call('c', { hangUpAfter: 2 }), call('d', { model: 'nobody' })]);
    await request(`${first.upstreamUrl}/faults`, { method: 'PUT', body: JSON.stringify({ fault: 'hang', after_chunks: 2 }) });
    const open = Array.from({ length: 8 }, (_unused, index) => call(`open-${index}`));
    const broken = sendAll(first, open);
    const before = await until(first, '3 running and 5 waiting', ({ running, waiting }) => running === 3 && waiting === 5);
    expect(before.requests.total).toBe(12);
    await first.stop('SIGKILL');
    for (const line of await broken) expect(line.outcome).toBe('failed');

    const second = await start(folder);
    const after = await until(second, 'the open requests to be lost', ({ lost }) => lost === 8, LOST_WITHIN_MS);
    const { successful, failed, cancelled } = before.requests;
    expect(after.requests).toMatchObject({ total: 12, successful, failed, cancelled, waiting: 0, running: 0 });
    expect(after.data_quality).toMatchObject({ reconciled: true, events_missing: 0, live_gateways: 1 });
    expect(after.tokens).toEqual(before.tokens);

    await sendAll(second, [call('e')]);
    const later = await until(second, 'one more request', ({ total, running }) => total === 13 && running === 0);
    expect(later.requests.successful).toBe(successful + 1);
  });

  it('keeps every total over a clean restart', async () => {
    const folder = temporaryFolder();
    const first = await start(folder);
    await sendAll(first, [call('a'), call('b', { stream: false }), call('c', { hangUpAfter: 2 }), call('d', { model: 'nobody' })]);
    const before = await until(first, '4 ended requests', allEnded);
    expect(await first.stop('SIGTERM')).toBe(0);

    const second = await start(folder);
    const after = await until(second, 'a live gateway', ({ total }) => total > 0);
    for (const part of ['tokens', 'errors', 'latency', 'latency_histogram'] as const) expect(after[part]).toEqual(before[part]);
    const { total, successful, failed, cancelled, lost } = before.requests;
    expect(after.requests).toMatchObject({ total, successful, failed, cancelled, lost });
    expect(after.requests.peak_concurrent).toBeGreaterThanOrEqual(before.requests.peak_concurrent);
    expect(after.slo.ttft).toEqual(before.slo.ttft);
    expect(await second.stop('SIGINT')).toBe(0);
  });
});
