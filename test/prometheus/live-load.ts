import { finished } from 'node:stream/promises';
import { Agent, request } from 'undici';

/** The models of the run, by what becomes of their requests. */
export const MODELS = { served: ['alpha-7b', 'beta-13b'], hungUpOn: 'gamma-70b', failing: 'delta-3b', unserved: 'nobody' } as const;
/** What the simulated server serves. */
export const MODEL_NAMES = [...MODELS.served, MODELS.hungUpOn, MODELS.failing];
const TENANTS = ['red', 'blue'];
const DEADLINE_MS = 20_000;
/** However long everything takes. */
const MOST_REQUESTS = 900;

type End = 'successful' | 'failed' | 'cancelled' | 'broken';

/** One request as its client saw it. */
export interface Call {
  /** The id of the trace that it was made in. */
  readonly trace: string;
  readonly model: string;
  readonly tenant: string;
  readonly operation: string;
  readonly end: End;
  readonly usage: { readonly input: number; readonly output: number } | undefined;
}

interface Plan {
  readonly path: string;
  readonly operation: string;
  readonly model: string;
  readonly body: object;
  readonly hangsUp?: boolean;
}

/** Every kind of request in turn: streamed and not, with `n` and limits, of every route, that ends well, badly or not at all. */
function planOf(index: number): Plan {
  const model = MODELS.served[index % 3 === 0 ? 1 : 0];
  // Long enough for whole blocks of a prefix cache.
  const content = `Question ${index % 40}: ${'tell me more of it, and then again. '.repeat(2 + (index % 5))}`;
  const chat = { path: 'chat/completions', operation: 'chat', model };
  const messages = [{ role: 'user', content }];
  const streamed = { messages, stream: true, stream_options: { include_usage: true } };
  const plans: readonly Plan[] = [
    { ...chat, body: { ...streamed, max_tokens: 12 } },
    { ...chat, body: { ...streamed, max_tokens: 400 } },
    { ...chat, body: { messages, max_tokens: 24 } },
    { ...chat, body: { ...streamed, n: 2, max_tokens: 16 } },
    { path: 'completions', operation: 'text_completion', model, body: { prompt: content, max_tokens: 20, n: 2 } },
    {
      path: 'completions',
      operation: 'text_completion',
      model,
      body: { prompt: content, stream: true, stream_options: { include_usage: true } },
    },
    { path: 'embeddings', operation: 'embeddings', model, body: { input: content } },
    { ...chat, model: MODELS.unserved, body: streamed },
    { ...chat, model: MODELS.failing, body: { messages } },
    { ...chat, model: MODELS.hungUpOn, body: { ...streamed, max_tokens: 400, ignore_eos: true }, hangsUp: true },
  ];
  return plans[index % plans.length]!;
}

/** Sends requests to a gateway at a steady pace whatever becomes of them, and keeps the ledger of what their clients saw. */
export class LiveLoad {
  readonly calls: Call[] = [];
  private readonly agent = new Agent({ connections: 64 });
  private readonly running = new Set<Promise<void>>();
  private readonly url: string;
  private sent = 0;
  private ticker: NodeJS.Timeout | undefined;

  constructor(gatewayUrl: string) {
    this.url = gatewayUrl;
  }

  start(requestsPerSecond: number): void {
    this.ticker = setInterval(() => this.sent < MOST_REQUESTS && this.launch(), 1000 / requestsPerSecond);
  }

  /** Sends no more and resolves when every request has ended. */
  async stop(): Promise<void> {
    clearInterval(this.ticker);
    await Promise.all(this.running);
    await this.agent.destroy();
  }

  /** How many calls `holds` is true of. */
  count(holds: (call: Call) => boolean): number {
    return this.calls.filter(holds).length;
  }

  /** The tokens of a direction in all answers that told their usage, of the calls that `holds` is true of. */
  tokens(direction: 'input' | 'output', holds: (call: Call) => boolean): number {
    return this.calls.filter(holds).reduce((sum, { usage }) => sum + (usage?.[direction] ?? 0), 0);
  }

  private launch(): void {
    const one = this.send((this.sent += 1)).finally(() => this.running.delete(one));
    this.running.add(one);
  }

  private async send(index: number): Promise<void> {
    const { path, operation, model, body, hangsUp = false } = planOf(index);
    const tenant = TENANTS[index % TENANTS.length]!;
    const leaving = new AbortController();
    const trace = index.toString(16).padStart(32, '0');
    const seen = { text: '' };
    const end = await this.exchange(
      path,
      { trace, tenant, body: { model, ...body } },
      AbortSignal.any([leaving.signal, AbortSignal.timeout(DEADLINE_MS)]),
      (text) => {
        seen.text += text;
        if (hangsUp && seen.text.includes('"content":"')) leaving.abort();
      },
    ).catch((): End => (leaving.signal.aborted ? 'cancelled' : 'broken'));
    this.calls.push({ trace, model, tenant, operation, end, usage: usageIn(seen.text) });
  }

  private async exchange(
    path: string,
    { trace, tenant, body }: { readonly trace: string; readonly tenant: string; readonly body: object },
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<End> {
    const answer = await request(`${this.url}/v1/${path}`, {
      dispatcher: this.agent,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-tenant': tenant, traceparent: `00-${trace}-00000000000000ab-01` },
      body: JSON.stringify(body),
      signal,
    });
    answer.body.setEncoding('utf8');
    answer.body.on('data', onText);
    await finished(answer.body);
    return answer.statusCode === 200 ? 'successful' : 'failed';
  }
}

/** The counts of an answer, plain or streamed: the last ones that it names. */
function usageIn(text: string): Call['usage'] {
  const input = lastNumber(text, 'prompt_tokens');
  return input === undefined ? undefined : { input, output: lastNumber(text, 'completion_tokens') ?? 0 };
}

function lastNumber(text: string, name: string): number | undefined {
  const found = [...text.matchAll(new RegExp(`"${name}": ?(\\d+)`, 'g'))].at(-1)?.[1];
  return found === undefined ? undefined : Number(found);
}
