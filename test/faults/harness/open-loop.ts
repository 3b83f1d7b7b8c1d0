import { Agent, request } from 'undici';

/** One request and its answer as its client saw it. */
export interface Answered {
  readonly id: string;
  /** 0 where the connection failed; `body` then tells how. */
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly durationMs: number;
}

const TICK_MS = 10;
const DEADLINE_MS = 60_000;

/** Sends plain requests at a steady rate, whatever becomes of them, and keeps every answer. */
export class OpenLoop {
  private readonly answers: Answered[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly agent: Agent;
  private readonly url: string;
  private readonly name: string;
  private timer: NodeJS.Timeout | undefined;
  private sent = 0;

  /** `keepsAlive` false: a connection for each request. */
  constructor(url: string, name: string, { keepsAlive = true } = {}) {
    this.url = url;
    this.name = name;
    this.agent = new Agent({ connections: 512, pipelining: keepsAlive ? 1 : 0 });
  }

  /** How many have ended. */
  get ended(): number {
    return this.answers.length;
  }

  start(requestsPerSecond: number): void {
    const startMs = performance.now();
    const before = this.sent;
    this.timer = setInterval(() => {
      const due = before + ((performance.now() - startMs) * requestsPerSecond) / 1_000;
      while (this.sent < due) this.launch();
    }, TICK_MS);
  }

  /** Sends no more; resolves with all answers when the last is there. */
  async stop(): Promise<readonly Answered[]> {
    clearInterval(this.timer);
    await Promise.all(this.running);
    await this.agent.destroy();
    return this.answers;
  }

  /** The time that all but 1 % of them kept, in whole ms. */
  static p99(answers: readonly Answered[]): number {
    const times = answers.map(({ durationMs }) => durationMs).toSorted((a, b) => a - b);
    return Math.round(times[Math.floor(times.length * 0.99)] ?? NaN);
  }

  private launch(): void {
    const one = this.send(`${this.name}-${(this.sent += 1)}`).finally(() => this.running.delete(one));
    this.running.add(one);
  }

  private async send(id: string): Promise<void> {
    const sentAtMs = performance.now();
    const keep = (status: number, headers: Answered['headers'], body: string): void =>
      void this.answers.push({ id, status, headers, body, durationMs: performance.now() - sentAtMs });
    try {
      const answer = await request(`${this.url}/v1/chat/completions`, {
        dispatcher: this.agent,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-request-id': id },
        body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: id }] }),
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      keep(answer.statusCode, answer.headers, await answer.body.text());
    } catch (error) {
      keep(0, {}, String(error));
    }
  }
}
