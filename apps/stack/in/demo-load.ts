import { setTimeout as wait } from 'node:timers/promises';
import { request } from 'undici';

const PROMPTS = ['Explain TTFT in one sentence.', '用一句话解释什么是显存。', 'Write a haiku about queues.', 'Name three prime numbers.'];
const CLIENTS = 2;
const PAUSE_MS = 1500;
/** One request in so many hangs up mid-stream, and one in so many asks for a model that is not there. */
const HANG_UP_EVERY = 11;
const WRONG_MODEL_EVERY = 17;

/** A gentle load through the gateway, so that every panel moves: streams, plain answers, now and then a hang-up and a mistake. */
export class DemoLoad {
  private readonly stopping = new AbortController();
  private readonly clients: Promise<void>[];
  private sent = 0;

  constructor(private readonly gatewayUrl: string) {
    this.clients = Array.from({ length: CLIENTS }, () => this.client());
  }

  /** Hangs up what is under way. Resolves when nothing is. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.clients);
  }

  private async client(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.sent += 1;
      await this.ask(this.sent).catch(() => undefined);
      await this.pause();
    }
  }

  private async ask(number: number): Promise<void> {
    const hangUp = number % HANG_UP_EVERY === 0 ? AbortSignal.timeout(PAUSE_MS) : undefined;
    const { body } = await request(`${this.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: number % WRONG_MODEL_EVERY === 0 ? 'no-such-model' : await this.model(),
        messages: [{ role: 'user', content: `${PROMPTS[number % PROMPTS.length]} (${number})` }],
        max_tokens: 20 + (number % 4) * 25,
        stream: number % 3 !== 0,
      }),
      signal: AbortSignal.any([this.stopping.signal, ...(hangUp ? [hangUp] : [])]),
    });
    await body.dump({ limit: Infinity });
  }

  /** The first model that the upstream offers. */
  private async model(): Promise<string> {
    const { body } = await request(`${this.gatewayUrl}/v1/models`, { signal: this.stopping.signal });
    const { data } = (await body.json()) as { data: readonly { id: string }[] };
    return data[0]?.id ?? '';
  }

  /** Ends early when the load is stopped. */
  private async pause(): Promise<void> {
    await wait(PAUSE_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}
