import { describe, expect, it } from 'vitest';
import { readBody, type Fields } from './body.js';
import { generationRequest, type GenerationRequest, type Operation } from './generation-request.js';

const MESSAGES = [{ role: 'user', content: 'hello' }];
const MODELS = ['first', 'second'];

function accepted(fields: Fields, operation: Operation = 'chat'): GenerationRequest {
  const prompt = operation === 'chat' ? { messages: MESSAGES } : {};
  const checked = generationRequest(operation, { ...prompt, ...fields }, MODELS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.error));
  return checked.value;
}

function refused(fields: Fields, operation: Operation = 'chat'): unknown {
  const prompt = operation === 'chat' ? { messages: MESSAGES } : { prompt: 'x' };
  const checked = generationRequest(operation, { ...prompt, ...fields }, MODELS);
  return checked.ok ? 'accepted' : (checked.error.body as { error: unknown }).error;
}

describe('generationRequest', () => {
  it('takes null for absent, as vLLM does', () => {
    const nulls = { model: null, stream: null, stream_options: null, max_tokens: null, n: null, temperature: null };
    expect(accepted(nulls)).toMatchObject({ model: 'first', stream: false, includeUsage: false, n: 1 });
  });

  it('prefers max_completion_tokens, and never lets the answer outgrow the context', () => {
    expect(accepted({ max_tokens: 9, max_completion_tokens: 4 }).maxTokens).toBe(4);
    const long = accepted({ messages: [{ role: 'user', content: 'x'.repeat(4 * 32_000) }], max_tokens: 30_000 });
    expect(long.promptTokens[0]! + long.maxTokens).toBe(32_768);
    expect(accepted({ prompt: 'x' }, 'text_completion').maxTokens).toBe(16);
  });

  it.each([
    ['a text', 'four', [1]],
    ['several texts', ['four', 'and five'], [1, 2]],
    ['token ids', [1, 2, 3], [3]],
    ['lists of token ids', [[1, 2], [3]], [2, 1]],
    ['wide characters', '你好吗', [3]],
  ])('counts the tokens of %s', (_what, prompt, tokens) => {
    expect(accepted({ prompt }, 'text_completion').promptTokens).toEqual(tokens);
  });

  it('counts the texts in messages and their parts, and nothing else in them', () => {
    const parts = [{ type: 'text', text: 'x'.repeat(40) }, { type: 'image_url', image_url: { url: 'data:…' } }, 'odd'];
    const messages = [{ role: 'user', content: parts }, { role: 'assistant' }, 'odd'];
    expect(accepted({ messages }).promptTokens).toEqual([22]);
  });

  it.each([
    [{ model: 'third' }, { type: 'NotFoundError', param: 'model', code: 404, message: expect.stringContaining('first, second') as string }],
    [{ model: 7 }, { param: 'body.model', code: 400 }],
    [{ stream: 'yes' }, { type: 'Bad Request', param: 'body.stream' }],
    [{ max_tokens: 1.5 }, { type: 'Bad Request', param: 'body.max_tokens' }],
    [
      { max_tokens: 0 },
      { type: 'BadRequestError', param: 'max_tokens', message: 'max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)' },
    ],
    [{ max_tokens: 40_000 }, { param: 'max_tokens', message: expect.stringContaining('max_model_len=32768') as string }],
    [{ n: 0 }, { param: 'n' }],
    [{ n: 129 }, { param: 'n' }],
    [{ temperature: 2.1 }, { param: 'temperature' }],
    [{ stream_options: { include_usage: true } }, { param: 'stream_options', message: expect.stringContaining('`stream=True`') as string }],
    [{ stream: true, stream_options: [] }, { param: 'body.stream_options' }],
    [{ messages: undefined }, { param: 'body.messages', message: expect.stringContaining("'missing'") as string }],
    [{ messages: 'hello' }, { param: 'body.messages' }],
    [{ messages: [] }, { type: 'BadRequestError', param: null }],
    [{ messages: [{ content: 'x'.repeat(4 * 33_000) }] }, { param: 'input_tokens' }],
  ])('refuses %j', (fields, error) => {
    expect(refused(fields)).toMatchObject(error);
  });

  it.each([[{ prompt: undefined }], [{ prompt: [] }], [{ prompt: [[]] }], [{ prompt: ['x', 1] }], [{ prompt: {} }]])(
    'refuses %j as a prompt',
    (fields) => {
      expect(refused(fields, 'text_completion')).toMatchObject({ type: 'BadRequestError', param: 'prompt', code: 400 });
    },
  );

  it('refuses a body that is nested too deeply, without falling over', () => {
    const depth = 200_000;
    const text = `{"messages":[{"content":"x"}],"deep":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const body = readBody('application/json', Buffer.from(text));
    expect(body.ok && refused(body.value)).toMatchObject({ code: 400, message: 'The body is nested too deeply.' });
  });
});

describe('readBody', () => {
  it.each([
    ['application/json', '{"a":1}'],
    ['application/json; charset=utf-8', '{"a":1}'],
    ['application/vnd.api+json', '{"a":1}'],
  ])('reads %s', (type, text) => {
    expect(readBody(type, Buffer.from(text))).toEqual({ ok: true, value: { a: 1 } });
  });

  it.each([
    [undefined, '{}', 'Unsupported Media Type'],
    ['text/plain', '{}', 'Unsupported Media Type'],
    ['application/json', '', 'Field required'],
    ['application/json', '{"a":', "'loc': 'body.5'"],
    ['application/json', '{"a": x}', "'loc': 'body.8'"],
    ['application/json', '[1]', 'valid dictionary'],
    ['application/json', '7', 'valid dictionary'],
  ])('refuses %s %j', (type, text, message) => {
    const checked = readBody(type, Buffer.from(text));
    expect(checked).toMatchObject({
      ok: false,
      error: { status: 400, body: { error: { code: 400, message: expect.stringContaining(message) as string } } },
    });
  });

  it('refuses bytes that are not UTF-8', () => {
    const checked = readBody('application/json', Buffer.from([0x7b, 0xff, 0x7d]));
    expect(checked).toEqual({ ok: false, error: { status: 400, body: { detail: 'There was an error parsing the body' } } });
  });
});
