import OpenAI, { APIError, APIUserAbortError } from 'openai';

/** What one request is to be. `hangUpAfter`: the client leaves after so many token chunks. */
export interface PlannedCall {
  readonly id: string;
  readonly model: string;
  readonly stream: boolean;
  readonly maxTokens: number;
  readonly askUsage: boolean;
  readonly hangUpAfter: number | undefined;
}

/** What the client saw of it, by its own clock; durations in ms. */
export interface LedgerLine {
  readonly call: PlannedCall;
  readonly outcome: 'completed' | 'cancelled' | 'failed';
  readonly status: number | undefined;
  /** The error's code, where the answer had one. */
  readonly code: string | undefined;
  readonly ttftMs: number | undefined;
  readonly latencyMs: number;
  readonly chunks: number;
  readonly usage: { readonly input: number; readonly output: number } | undefined;
}

/** Sends one request with the real `openai` client and writes down how it went. Never rejects. */
export async function send(client: OpenAI, call: PlannedCall): Promise<LedgerLine> {
  const startedMs = performance.now();
  const seen: Seen = { ttftMs: undefined, chunks: 0, usage: undefined };
  const line = (outcome: LedgerLine['outcome'], status?: number, code?: string): LedgerLine => ({
    call,
    outcome,
    status,
    code,
    latencyMs: performance.now() - startedMs,
    ...seen,
  });
  try {
    const finished = call.stream ? await stream(client, call, seen, startedMs) : await plain(client, call, seen);
    if (call.hangUpAfter !== undefined && seen.chunks >= call.hangUpAfter) return line('cancelled', 200);
    return line(finished ? 'completed' : 'failed', 200);
  } catch (error) {
    if (error instanceof APIUserAbortError) return line('cancelled');
    return error instanceof APIError ? line('failed', error.status, error.code ?? undefined) : line('failed');
  }
}

interface Seen {
  ttftMs: number | undefined;
  chunks: number;
  usage: LedgerLine['usage'];
}

/** True if the answer came to its end: the client library does not complain of a stream that stops early. */
async function stream(client: OpenAI, call: PlannedCall, seen: Seen, startedMs: number): Promise<boolean> {
  const leaving = new AbortController();
  const answer = await client.chat.completions.create(
    { ...bodyOf(call), stream: true, ...(call.askUsage && { stream_options: { include_usage: true } }) },
    { signal: leaving.signal, headers: { 'x-request-id': call.id } },
  );
  let finished = false;
  for await (const chunk of answer) {
    finished ||= Boolean(chunk.choices[0]?.finish_reason);
    if (chunk.usage) seen.usage = { input: chunk.usage.prompt_tokens, output: chunk.usage.completion_tokens };
    if (!chunk.choices[0]?.delta.content) continue;
    seen.ttftMs ??= performance.now() - startedMs;
    seen.chunks += 1;
    if (seen.chunks === call.hangUpAfter) leaving.abort();
  }
  return finished;
}

async function plain(client: OpenAI, call: PlannedCall, seen: Seen): Promise<boolean> {
  const { usage } = await client.chat.completions.create(bodyOf(call), { headers: { 'x-request-id': call.id } });
  if (usage) seen.usage = { input: usage.prompt_tokens, output: usage.completion_tokens };
  return true;
}

function bodyOf(call: PlannedCall) {
  const messages = [{ role: 'user' as const, content: `Tell me about ${call.id}.` }];
  return { model: call.model, max_tokens: call.maxTokens, messages };
}
