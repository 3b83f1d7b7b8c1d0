import OpenAI, { APIError } from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, ScriptedUpstream, streamWords } from './scripted-upstream.fixture.js';
import { TestGateway } from './test-gateway.fixture.js';

const MESSAGES = [{ role: 'user' as const, content: 'hi' }];

let upstream: ScriptedUpstream;
let gateway: TestGateway;
let client: OpenAI;

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
  gateway = await TestGateway.start(upstream.url);
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-client', maxRetries: 0 });
});

afterEach(async () => {
  await gateway.drain();
  await gateway.close();
  await upstream.close();
});

describe('the openai client', () => {
  it('streams a chat', async () => {
    upstream.script = streamWords('Hello', ' ', 'world');
    let text = '';
    let usage: unknown;
    for await (const chunk of await client.chat.completions.create({ model: 'm', messages: MESSAGES, stream: true })) {
      text += chunk.choices[0]!.delta.content ?? '';
      usage ??= chunk.usage;
    }
    expect([text, usage]).toEqual(['Hello world', undefined]);
    expect(await gateway.completed()).toMatchObject({ input_tokens: 7, output_tokens: 3, usage_source: 'upstream', stream: true });
  });

  it('gets the usage that it asks for', async () => {
    upstream.script = streamWords('Hello');
    const chunks = [];
    const options = { include_usage: true };
    for await (const chunk of await client.chat.completions.create({
      model: 'm',
      messages: MESSAGES,
      stream: true,
      stream_options: options,
    })) {
      chunks.push(chunk);
    }
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 1 } });
    expect((await gateway.completed()).output_tokens).toBe(1);
  });

  it('has a plain chat, with its own key and request id', async () => {
    const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
    upstream.script = answerJson({ id: 'c1', choices: [{ index: 0, message: { content: 'Hello' }, finish_reason: 'stop' }], usage });
    const { data, request_id } = await client.chat.completions.create({ model: 'm', messages: MESSAGES }).withResponse();
    expect([data.choices[0]!.message.content, data.usage]).toEqual(['Hello', usage]);
    expect(upstream.seen[0]!.headers.authorization).toBe('Bearer sk-client');
    expect((await gateway.completed()).request_id).toBe(request_id);
  });

  it('understands the errors of the gateway', async () => {
    await upstream.close();
    const error: unknown = await client.chat.completions.create({ model: 'm', messages: MESSAGES }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ status: 502, code: 'upstream_unreachable', type: 'server_error', param: null });
    expect(await gateway.failed()).toMatchObject({ error_type: 'upstream_unreachable' });
  });
});
