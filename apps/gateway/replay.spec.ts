import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operationOf } from './core/operations.js';
import { headerOf, recordedExchanges, ReplayServer, type Exchange, type Message } from './recorded.fixture.js';
import { dataOf, send, TestGateway, until, type Answer } from './test-gateway.fixture.js';

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'x-request-id', 'server-timing']);
const exchanges = recordedExchanges();
const find = (name: string) => exchanges.find((exchange) => exchange.name === name)!;

let engine: ReplayServer;
let gateway: TestGateway;
let nextId = 1;

beforeAll(async () => {
  engine = await ReplayServer.start();
  gateway = await TestGateway.start(engine.url);
});

afterAll(async () => {
  await gateway.drain();
  await gateway.close();
  await engine.close();
});

/** Sends `request` through the gateway to an engine that answers with `raw`. */
async function replay(request: Message, raw: Buffer): Promise<{ answer: Answer; id: string }> {
  const [method = '', path = ''] = request.startLine.split(' ');
  const id = `replay-${nextId}`;
  nextId += 1;
  const names = request.headers.filter((_text, index) => index % 2 === 0);
  const headers = Object.fromEntries(names.map((name) => [name.toLowerCase(), headerOf(request, name.toLowerCase())!]));
  engine.answer = raw;
  engine.lastRequest = undefined;
  const answer = await send(gateway.url + path, { method, headers: { ...headers, 'x-request-id': id }, body: request.body }).answer;
  return { answer, id };
}

function isEnd(type: string): boolean {
  return /completed|failed|cancelled/.test(type);
}

async function endOf(id: string) {
  await until(
    () => gateway.lifecycle(id).some(isEnd),
    () => `the end of ${id}`,
  );
  return gateway.events.find(({ subject, type }) => subject === id && isEnd(type))!;
}

function endToEnd(headers: readonly string[]): string[] {
  const pairs = headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]!] as const] : []));
  return pairs.filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase())).map(([name, value]) => `${name}: ${value}`);
}

function statusOf({ startLine }: Message): number {
  return Number(startLine.split(' ')[1]);
}

function isJsonObject(body: Buffer): boolean {
  try {
    return /^\s*\{/.test(body.toString()) && Boolean(JSON.parse(body.toString()));
  } catch {
    return false;
  }
}

/** Where the client did not ask for usage, the recorded chunk of usage must be gone; everything else stays. */
function withoutUsageChunk(body: Buffer, request: Message): Buffer {
  const asked = /"include_usage": true/.test(request.body.toString());
  return asked ? body : Buffer.from(body.toString().replace(/data: \{[^\n]*"choices":\[\],[^\n]*"usage":\{[^\n]*\n\n/, ''));
}

const inference = exchanges.filter((exchange): exchange is Exchange & { request: Message } => {
  const [method = '', path = ''] = exchange.request?.startLine.split(' ') ?? [];
  return operationOf(method, path) !== undefined;
});

describe.skipIf(exchanges.length === 0)('answers of real engines', () => {
  it.each(inference.filter(({ request }) => isJsonObject(request.body)).map((exchange) => [exchange.name, exchange] as const))(
    'pass byte for byte: %s',
    async (_name, { request, answer: recorded }) => {
      const { answer, id } = await replay(request, recorded.raw);
      expect(answer.status).toBe(statusOf(recorded));
      expect(answer.body.equals(withoutUsageChunk(recorded.body, request))).toBe(true);
      expect(endToEnd(answer.rawHeaders)).toEqual(endToEnd(recorded.headers));
      expect(answer.headers['x-request-id']).toBe(id);
      const end = await endOf(id);
      expect(end.type.split('.')[3]).toBe(answer.status < 300 ? 'completed' : 'failed');
    },
  );

  it.each(inference.filter(({ request }) => !isJsonObject(request.body)).map((exchange) => [exchange.name, exchange] as const))(
    'are not asked for what is not JSON: %s',
    async (_name, { request, answer: recorded }) => {
      const { answer, id } = await replay(request, recorded.raw);
      expect(answer.status).toBe(400);
      expect(engine.lastRequest).toBeUndefined();
      expect(dataOf(await endOf(id), 'io.inferometer.request.failed.v1')).toMatchObject({
        error_type: 'invalid_request',
        status_code: 400,
      });
    },
  );

  it.each(['models', 'models_id', 'models_unknown', 'head_models'].flatMap((name) => [`vllm-0.32/${name}`, `llama.cpp/${name}`]))(
    'pass byte for byte: %s',
    async (name) => {
      const { request, answer: recorded } = find(name);
      const { answer } = await replay(request!, recorded.raw);
      expect(answer.status).toBe(statusOf(recorded));
      expect(answer.body.equals(recorded.body)).toBe(true);
    },
  );
});

describe.skipIf(exchanges.length === 0)('what is told of real streams', () => {
  it.each([
    ['vllm-0.32/chat_stream', 'vllm-0.32/chat_stream_include_usage', { input_tokens: 18, output_tokens: 12, chunks: 12 }],
    [
      'llama.cpp/chat_stream',
      'llama.cpp/chat_stream_include_usage',
      { input_tokens: 28, output_tokens: 12, cached_input_tokens: 23, engine: { prefill_ms: 26.053, decode_ms: 145.85 } },
    ],
  ] as const)('%s is asked for usage, which the client does not see', async (asked, answered, expected) => {
    const recorded = find(answered).answer;
    const { answer, id } = await replay(find(asked).request!, recorded.raw);
    expect(engine.lastRequest!.body.toString()).toContain('"stream_options":{"include_usage":true}');
    const frames = recorded.body.toString().split(/(?<=\n\n)/);
    const kept = frames.filter((frame) => !frame.includes('"choices":[],'));
    expect(kept).toHaveLength(frames.length - 1);
    expect(answer.body.toString()).toBe(kept.join(''));
    expect(dataOf(await endOf(id), 'io.inferometer.request.completed.v1')).toMatchObject({
      ...expected,
      usage_source: 'upstream',
      finish_reason: 'length',
    });
  });

  it.each([
    ['vllm-0.32/chat_stream_tool_named', { input_tokens: 142, output_tokens: 80, cached_input_tokens: 128, finish_reason: 'length' }],
    ['vllm-0.32/chat_stream_continuous_usage', { input_tokens: 18, output_tokens: 12, usage_source: 'upstream' }],
    ['vllm-0.32/chat_stream_continuous_only', { usage_source: 'counted', output_tokens: 12 }],
    ['vllm-0.32/completions_stream', { usage_source: 'counted', finish_reason: 'length' }],
    ['vllm-0.32/messages_stream', { operation: 'messages', input_tokens: 10, output_tokens: 6, finish_reason: 'length', chunks: 5 }],
    ['vllm-0.32/chat_n2', { input_tokens: 18, output_tokens: 24, chunks: 0, stream: false }],
    ['vllm-0.32/responses', { operation: 'responses', finish_reason: 'length', usage_source: 'upstream' }],
    ['vllm-0.32/embeddings', { operation: 'embeddings', usage_source: 'upstream' }],
    ['llama.cpp/completions_stream', { input_tokens: 5, output_tokens: 12, usage_source: 'upstream', finish_reason: 'length' }],
    ['llama.cpp/messages_stream', { input_tokens: 25, output_tokens: 6, cached_input_tokens: 20 }],
    ['llama.cpp/chat', { input_tokens: 28, output_tokens: 12, engine: { prefill_ms: 76.145, decode_ms: 155.433 } }],
  ] as const)('%s', async (name, expected) => {
    const { request, answer } = find(name);
    const { id } = await replay(request!, answer.raw);
    expect(dataOf(await endOf(id), 'io.inferometer.request.completed.v1')).toMatchObject(expected);
  });

  it('does not ask for usage where that would change every chunk', async () => {
    const { request, answer } = find('vllm-0.32/chat_stream_continuous_only');
    await replay(request!, answer.raw);
    expect(engine.lastRequest!.body.equals(request!.body)).toBe(true);
  });

  it('keep-alive comments pass and are no tokens', async () => {
    const { request } = find('vllm-0.32/chat_stream_include_usage');
    const recorded = find('vllm-0.32/limits_queued_keepalive').answer;
    const { answer, id } = await replay(request!, recorded.raw);
    expect(answer.body.equals(recorded.body)).toBe(true);
    expect(dataOf(await endOf(id), 'io.inferometer.request.completed.v1')).toMatchObject({ usage_source: 'counted' });
  });

  it.each([
    ['vllm-0.32/limits_queue_full', 503, 'upstream_error'],
    ['vllm-0.32/limits_unauthorized', 401, 'unauthorized'],
    ['vllm-0.32/engine_kill_plain', 500, 'upstream_error'],
    ['vllm-0.32/err_bad_model_stream', 404, 'not_found'],
    ['vllm-0.32/err_temperature', 400, 'invalid_request'],
  ] as const)('%s is counted by type', async (name, status, errorType) => {
    const recorded = find(name).answer;
    const { answer, id } = await replay(find('vllm-0.32/chat_stream').request!, recorded.raw);
    expect(answer.body.equals(recorded.body)).toBe(true);
    expect(dataOf(await endOf(id), 'io.inferometer.request.failed.v1')).toMatchObject({ status_code: status, error_type: errorType });
  });

  it('a dead engine is a failure, although its stream ends in good order', async () => {
    const { request, answer } = find('vllm-0.32/chat_stream');
    const frames = answer.body.toString().split(/(?<=\n\n)/);
    const error = 'data: {"error": {"message": "EngineCore encountered an issue.", "type": "InternalServerError", "code": 500}}\n\n';
    const body = Buffer.from([...frames.slice(0, 5), error, 'data: [DONE]\n\n'].join(''));
    const head = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${body.length}\r\n\r\n`;
    const { answer: got, id } = await replay(request!, Buffer.concat([Buffer.from(head), body]));
    expect(got.body.equals(body)).toBe(true);
    expect(got.complete).toBe(true);
    expect(dataOf(await endOf(id), 'io.inferometer.request.failed.v1')).toMatchObject({
      error_type: 'upstream_error',
      status_code: 200,
      output_tokens: 4,
      usage_source: 'counted',
    });
  });
});
