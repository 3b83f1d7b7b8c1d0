import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Inference } from './in/inference.js';
import { answerJson, ScriptedUpstream, streamWords } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway } from './test-gateway.fixture.js';

let upstream: ScriptedUpstream;
let gateway: TestGateway;

async function startGateway(env: Record<string, string> = {}): Promise<void> {
  gateway = await TestGateway.start(upstream.url, env);
}

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
});

afterEach(async () => {
  await gateway.drain();
  await gateway.close();
  await upstream.close();
});

describe('a plain chat', () => {
  it('passes through byte for byte and is told in one life', async () => {
    await startGateway();
    const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
    upstream.script = answerJson({ choices: [{ index: 0, finish_reason: 'stop' }], usage });
    const { status, body } = await send(`${gateway.url}/v1/chat/completions`, { body: chatBody() }).answer;
    expect(status).toBe(200);
    expect(JSON.parse(body.toString())).toEqual({ choices: [{ index: 0, finish_reason: 'stop' }], usage });
    const completed = await gateway.completed();
    expect(completed).toMatchObject({ input_tokens: 5, output_tokens: 2, usage_source: 'upstream', finish_reason: 'stop', chunks: 0 });
    expect(completed).not.toHaveProperty('ttft_ms');
    expect(gateway.ofType('io.inferometer.request.started.v1')[0]!.data).not.toHaveProperty('upstream_index');
    expect(gateway.lifecycle(completed.request_id)).toEqual(['received', 'started', 'completed']);
  });
});

it('a mistake of the gateway costs the request in which it was made, and no other', async () => {
  await startGateway();
  upstream.script = answerJson({ choices: [] });
  vi.spyOn(Inference.prototype, 'handle').mockImplementationOnce(() => {
    throw new Error('canary');
  });
  const chat = () => send(`${gateway.url}/v1/chat/completions`, { body: chatBody() }).answer;
  await expect(chat()).rejects.toThrow('socket hang up');
  expect((await chat()).status).toBe(200);
  expect(gateway.logLines.join('\n')).toContain('a mistake of the gateway');
  expect(gateway.logLines.join('\n')).not.toContain('canary');
});

describe('a streamed chat', () => {
  it('asks the upstream for usage and keeps that from the client', async () => {
    await startGateway();
    upstream.script = streamWords('a', 'b', 'c');
    const { body } = await send(`${gateway.url}/v1/chat/completions`, { body: chatBody({ stream: true }) }).answer;
    expect(body.toString()).not.toContain('usage');
    expect(body.toString()).toMatch(/data: \[DONE\]\n\n$/);
    const completed = await gateway.completed();
    expect(completed).toMatchObject({ input_tokens: 7, output_tokens: 3, usage_source: 'upstream', chunks: 3 });
    expect(completed.ttft_ms).toBeGreaterThan(0);
    expect(gateway.lifecycle(completed.request_id)).toEqual(['received', 'started', 'first_token', 'completed']);
  });
});

describe('every inference route', () => {
  it.each([
    ['chat', '/v1/chat/completions'],
    ['text_completion', '/v1/completions'],
    ['embeddings', '/v1/embeddings'],
    ['responses', '/v1/responses'],
    ['messages', '/v1/messages'],
    ['rerank', '/v1/rerank'],
    ['score', '/v1/score'],
    ['tokenize', '/tokenize'],
    ['speech', '/v1/audio/speech'],
    ['image_generation', '/v1/images/generations'],
  ])('of %s goes to the same path under the address of the upstream', async (operation, path) => {
    gateway = await TestGateway.start(`${upstream.url}/engine/v1`);
    upstream.script = answerJson({});
    const body = '{"model":"m","max_tokens":12345678901234567890,"x":1.0}';
    expect((await send(`${gateway.url}${path}?beta=true`, { body }).answer).status).toBe(200);
    expect(upstream.seen[0]).toMatchObject({ method: 'POST', url: `/engine${path}?beta=true` });
    expect(upstream.seen[0]!.body.toString()).toBe(body);
    expect(await gateway.completed()).toMatchObject({ operation, model: 'm', stream: false });
  });
});
