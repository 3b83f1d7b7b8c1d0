import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Logger } from '#libs/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startModelServer } from './app.js';

/** What a real vLLM answered, as recorded from its socket. */
const FOLDER = fileURLToPath(new URL('../../../shared/data/engines/vllm-0.32/', import.meta.url));
const isThere = existsSync(FOLDER);
if (!isThere) console.warn('NOT TESTED: the recorded vLLM exchanges are not there, so the shape of our answers is not compared with them');

let app: Awaited<ReturnType<typeof startModelServer>>;
beforeAll(async () => {
  const settings = { host: '127.0.0.1', port: 0, logLevel: 'error', apiToken: undefined, seed: 1, capacity: 0 } as const;
  const pace = { modelNames: ['tiny-llama'], ttftMs: 0, tokensPerSecond: 1e6, jitter: 0 };
  app = await startModelServer({ ...settings, ...pace }, new Logger('test', 'error'));
});
afterAll(() => app.drain());

interface Exchange {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

function recorded(name: string): Exchange {
  const text = readFileSync(`${FOLDER}${name}.http`, 'latin1');
  const [head, ...rest] = text.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  return {
    status: Number(/^HTTP\/1.1 (\d+)/.exec(head!)![1]),
    contentType: /content-type: (.*)/i.exec(head!)?.[1] ?? '',
    body: /transfer-encoding: chunked/i.test(head!) ? body.replaceAll(/^[0-9a-f]+\r\n|\r\n(?:[0-9a-f]+\r\n)?/gm, '') : body,
  };
}

async function replayed(name: string): Promise<Exchange> {
  const bytes = readFileSync(`${FOLDER}${name}.req`);
  const split = bytes.indexOf('\r\n\r\n');
  const [line, ...lines] = bytes.subarray(0, split).toString('latin1').split('\r\n');
  const [method, path] = line!.split(' ');
  const kept = lines.map((header) => header.split(': ') as [string, string]).filter(([key]) => /^(content-type|x-request-id)$/i.test(key));
  const body = bytes.subarray(split + 4);
  const init = { method: method!, headers: Object.fromEntries(kept), ...(method === 'POST' ? { body } : {}) };
  const response = await fetch(app.url + path, init);
  return { status: response.status, contentType: response.headers.get('content-type') ?? '', body: await response.text() };
}

/** The value with every leaf replaced by the kind of thing it is: its keys, in their order, remain. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value;
  return Object.entries(value).map(([key, inner]) => [key, key === 'finish_reason' || key === 'object' ? inner : shapeOf(inner)]);
}

/** The shapes of a stream's frames in their order, several like one another in a row taken as one: the length of the text is not compared. */
function shapesOfStream({ body }: Exchange): string[] {
  const frames = [...body.matchAll(/data: (\[DONE\]|\{.*\})/g)].map(([, data]) =>
    data === '[DONE]' ? data : JSON.stringify(shapeOf(JSON.parse(data!))),
  );
  return frames.filter((frame, index) => frame !== frames[index - 1]).map(String);
}

function withoutText({ status, body }: Exchange): unknown[] {
  return [status, { ...(JSON.parse(body) as { error: object }).error, message: '' }];
}

describe.skipIf(!isThere)('the answers of vLLM', () => {
  it.each([
    'chat_stream',
    'chat_stream_include_usage',
    'chat_stream_include_usage_false',
    'chat_stream_continuous_usage',
    'chat_stream_continuous_only',
    'chat_stream_options_empty',
    'chat_stream_options_null',
    'chat_stream_options_unknown_key',
    'chat_stream_max_tokens_1',
    'chat_stream_request_id_header',
    'completions_stream',
    'completions_stream_continuous_usage',
  ])('%s: frames of the same keys, in the same order', async (name) => {
    const [theirs, ours] = [recorded(name), await replayed(name)];
    expect(shapesOfStream(ours)).toEqual(shapesOfStream(theirs));
    expect(shapesOfStream(theirs).at(-1)).toBe('[DONE]');
    expect([ours.status, ours.contentType]).toEqual([theirs.status, theirs.contentType]);
  });

  it.each(['chat', 'chat_n2', 'chat_request_id_header', 'chat_max_completion_tokens', 'completions', 'completions_batch', 'err_no_model'])(
    '%s: an answer of the same keys, in the same order',
    async (name) => {
      const [theirs, ours] = [recorded(name), await replayed(name)];
      expect(shapeOf(JSON.parse(ours.body))).toEqual(shapeOf(JSON.parse(theirs.body)));
      expect([ours.status, ours.contentType]).toEqual([theirs.status, theirs.contentType]);
    },
  );

  it('make the id from x-request-id', async () => {
    const ids = [recorded('chat_request_id_header'), await replayed('chat_request_id_header')].map(
      ({ body }) => (JSON.parse(body) as { id: string }).id,
    );
    expect(ids).toEqual(['chatcmpl-acceptance-req-0001', 'chatcmpl-acceptance-req-0001']);
  });

  it.each([
    'chat_stream_options_without_stream',
    'err_bad_json',
    'err_bad_model',
    'err_bad_model_stream',
    'err_completions_bad_model',
    'err_completions_no_prompt',
    'err_content_type_text',
    'err_empty_body',
    'err_empty_messages',
    'err_json_not_utf8',
    'err_max_tokens_negative',
    'err_no_content_type',
    'err_no_messages',
    'unknown_route',
    'unknown_v1_route',
  ])('%s: the same error, word for word', async (name) => {
    const [theirs, ours] = [recorded(name), await replayed(name)];
    expect([ours.status, JSON.parse(ours.body)]).toEqual([theirs.status, JSON.parse(theirs.body)]);
  });

  it.each(['err_stream_string', 'err_temperature'])('%s: the same error in other words', async (name) => {
    const [theirs, ours] = [recorded(name), await replayed(name)];
    expect(withoutText(ours)).toEqual(withoutText(theirs));
  });
});
