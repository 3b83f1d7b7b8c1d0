import { setTimeout as wait } from 'node:timers/promises';
import { getJson } from './system.js';

/** No drill sends more than this: requests a second in one flow. */
const MAX_PER_SECOND = 100;
const MAX_REQUEST_MS = 60_000;

/** Streamed requests of one token through a gateway. */
export class Load {
  private readonly url: string;
  private readonly model: string;
  /** Requests begun so far. */
  sent = 0;

  private constructor(url: string, model: string) {
    this.url = url;
    this.model = model;
  }

  /** For the first model that the gateway offers. */
  static async open(url: string): Promise<Load> {
    const { data } = await getJson<{ data?: readonly { id: string }[] }>(`${url}/v1/models`);
    const model = data?.[0]?.id;
    if (model === undefined) throw new Error(`${url}/v1/models names no model`);
    return new Load(url, model);
  }

  /** Sends one request and reads its answer. Resolves with the status; with undefined if there was no answer, or `signal` ended it. */
  async ask(signal?: AbortSignal): Promise<number | undefined> {
    this.sent += 1;
    try {
      const response = await fetch(`${this.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: this.model,
          messages: [{ role: 'user', content: `Drill ${this.sent}` }],
          max_tokens: 1,
          stream: true,
        }),
        signal: AbortSignal.any([AbortSignal.timeout(MAX_REQUEST_MS), ...(signal ? [signal] : [])]),
      });
      await response.text();
      return response.status;
    } catch {
      return undefined;
    }
  }

  /** Sends requests one after another, `atATime` of them side by side and `perSecond` at most, until `signal`; waits for the last. Never rejects. */
  async flow(signal: AbortSignal, { atATime, perSecond = MAX_PER_SECOND }: { atATime: number; perSecond?: number }): Promise<void> {
    const gapMs = (1000 * atATime) / Math.min(perSecond, MAX_PER_SECOND);
    const client = async (_: unknown, index: number): Promise<void> => {
      await pause((gapMs * index) / atATime, signal);
      while (!signal.aborted) await Promise.all([this.ask(signal), pause(gapMs, signal)]);
    };
    await Promise.all(Array.from({ length: atATime }, client));
  }
}

/** Ends early, without an error, when `signal` comes. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
}
