import { finished } from 'node:stream/promises';
import { Agent, request } from 'undici';
import { Ledger, type Labels } from './ledger.js';
import type { Random } from './plan.js';

/** One request as its client saw it. `endedAtMs` by `Date.now()`. */
export interface Call {
  readonly id: string;
  readonly labels: Labels;
  readonly end: 'successful' | 'failed' | 'cancelled' | 'broken';
  readonly status: number | undefined;
  readonly durationMs: number;
  readonly endedAtMs: number;
}

export const SERVED_MODELS = ['alpha', 'beta'];
const UNSERVED_MODEL = 'nobody';
const TENANTS = ['red', 'blue'];
const TICK_MS = 20;
const DEADLINE_MS = 60_000;

/** Sends requests to a gateway, at a steady rate whatever becomes of them, and keeps the ledger of what their clients saw. */
export class HttpLoad {
  readonly calls: Call[] = [];
  private readonly agent = new Agent({ connections: 256 });
  private readonly running = new Set<Promise<void>>();
  private readonly random: Random;
  private readonly name: string;
  private url: string;
  private sent = 0;
  private ticker: NodeJS.Timeout | undefined;

  constructor(gatewayUrl: string, random: Random, name: string) {
    this.url = gatewayUrl;
    this.random = random;
    this.name = name;
  }

  /** From now on requests go there. */
  pointTo(gatewayUrl: string): void {
    this.url = gatewayUrl;
  }

  start(requestsPerSecond: number): void {
    let owed = 0;
    this.ticker = setInterval(() => {
      for (owed += (requestsPerSecond * TICK_MS) / 1000; owed >= 1; owed -= 1) this.launch();
    }, TICK_MS);
  }

  /** Sends no more and resolves when every request has ended. */
  async stop(): Promise<void> {
    clearInterval(this.ticker);
    await Promise.all(this.running);
    await this.agent.destroy();
  }

  /** What the clients saw, but for tokens, which they do not count. */
  get ledger(): Ledger {
    const ledger = new Ledger({ tokens: false });
    for (const { labels, end } of this.calls) {
      ledger.received(labels);
      ledger.ended(labels, end === 'broken' ? 'lost' : end);
    }
    return ledger;
  }

  /** The answers by status. */
  statuses(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { status = 'none' } of this.calls) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  /** The time that all but 1 % of the successful requests kept, in ms, of those that ended between the two times. */
  p99(fromMs: number, toMs: number): number {
    const durations = this.calls
      .filter(({ end, endedAtMs }) => end === 'successful' && endedAtMs >= fromMs && endedAtMs < toMs)
      .map(({ durationMs }) => durationMs)
      .toSorted((a, b) => a - b);
    return durations[Math.floor(durations.length * 0.99)] ?? NaN;
  }

  private launch(): void {
    const one = this.send().finally(() => this.running.delete(one));
    this.running.add(one);
  }

  private async send(): Promise<void> {
    const dice = this.random.next();
    const isUnserved = dice < 0.1;
    const hangsUp = dice > 0.9;
    const labels = { model: isUnserved ? UNSERVED_MODEL : this.random.pick(SERVED_MODELS), tenant: this.random.pick(TENANTS) };
    const body = { model: labels.model, stream: hangsUp || dice < 0.7, max_tokens: hangsUp ? 500 : this.random.integer(2, 20) };
    const id = `${this.name}-${(this.sent += 1)}`;
    const startedMs = performance.now();
    let status: number | undefined;
    const leaving = new AbortController();
    const end = await this.exchange(id, labels, body, AbortSignal.any([leaving.signal, AbortSignal.timeout(DEADLINE_MS)]), (seen) => {
      status = seen;
      if (hangsUp) leaving.abort();
    }).catch((): Call['end'] => (leaving.signal.aborted ? 'cancelled' : 'broken'));
    this.calls.push({ id, labels, end, status, durationMs: performance.now() - startedMs, endedAtMs: Date.now() });
  }

  private async exchange(
    id: string,
    labels: Labels,
    body: object,
    signal: AbortSignal,
    onFirstBytes: (status: number) => void,
  ): Promise<Call['end']> {
    const answer = await request(`${this.url}/v1/chat/completions`, {
      dispatcher: this.agent,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': id, 'x-tenant': labels.tenant },
      body: JSON.stringify({ ...body, messages: [{ role: 'user', content: 'Go on.' }] }),
      signal,
    });
    answer.body.once('data', () => onFirstBytes(answer.statusCode));
    await finished(answer.body);
    return answer.statusCode === 200 ? 'successful' : 'failed';
  }
}
