import {
  answerJson,
  asksForUsage,
  chatChunk,
  DONE,
  startStream,
  streamWords,
  type Script,
} from '../../apps/gateway/scripted-upstream.fixture.js';
import { chatBody } from '../../apps/gateway/test-gateway.fixture.js';

/** A request that a client makes, what the upstream does with it, and when the client leaves, if it does. */
export interface Errand {
  readonly id: string;
  readonly path: string;
  readonly body: string;
  readonly headers?: Record<string, string>;
  readonly script: Script;
  readonly leaves?: 'before the answer' | 'in the answer';
}

const MODEL = 'Qwen/Qwen3-8B';
const CHAT = '/v1/chat/completions';
const STREAMED = chatBody({ model: MODEL, stream: true });
const TRACED = { 'x-tenant': 'acme', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A stream as vLLM gives it with all that it can tell: usage in detail, and its own timings. */
const richStream: Script = (request, response) => {
  const tell = async (): Promise<void> => {
    startStream(response);
    response.write(chatChunk({ role: 'assistant', content: '' }));
    await pause(40);
    for (const word of ['Kind', ' words', ' cost', ' little', '.']) {
      response.write(chatChunk({ content: word }));
      await pause(12);
    }
    response.write(chatChunk({}, { finish_reason: 'stop' }));
    if (asksForUsage(request))
      response.write(
        `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: MODEL, choices: [], usage: USAGE, metrics: METRICS })}\n\n`,
      );
    response.end(DONE);
  };
  void tell();
};

const USAGE = {
  prompt_tokens: 57,
  completion_tokens: 5,
  total_tokens: 62,
  prompt_tokens_details: { cached_tokens: 32 },
  completion_tokens_details: { reasoning_tokens: 2 },
};
const METRICS = { queue_time_ms: 0.41, time_to_first_token_ms: 38.2, generation_time_ms: 51.7 };
const SOME_WORDS = chatChunk({ role: 'assistant', content: '' }) + chatChunk({ content: 'Once' }) + chatChunk({ content: ' upon' });

/** Requests that end in every way. */
export const ERRANDS: readonly Errand[] = [
  {
    id: 'chat-streamed',
    path: CHAT,
    body: chatBody({ model: MODEL, stream: true, max_tokens: 256, n: 1 }),
    headers: TRACED,
    script: richStream,
  },
  { id: 'chat-streamed-plainly', path: CHAT, body: STREAMED, script: streamWords('Hello', ' there') },
  {
    id: 'chat-whole',
    path: CHAT,
    body: chatBody({ model: MODEL }),
    script: answerJson({
      id: 'c1',
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'length' }],
      usage: USAGE,
    }),
  },
  {
    id: 'embedded',
    path: '/v1/embeddings',
    body: JSON.stringify({ model: 'BAAI/bge-m3', input: 'hi' }),
    script: answerJson({
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.1] }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    }),
  },
  { id: 'no-json', path: CHAT, body: '{', script: answerJson({}) },
  { id: 'engine-failed', path: CHAT, body: STREAMED, script: answerJson({ error: { message: 'out of memory' } }, 500) },
  {
    id: 'stream-cut',
    path: CHAT,
    body: STREAMED,
    headers: TRACED,
    script: (_request, response) => {
      startStream(response);
      response.write(SOME_WORDS, () => response.destroy());
    },
  },
  { id: 'left-early', path: CHAT, body: STREAMED, script: (_request, response) => startStream(response), leaves: 'before the answer' },
  {
    id: 'left-midway',
    path: CHAT,
    body: STREAMED,
    headers: TRACED,
    script: (_request, response) => {
      startStream(response);
      response.write(SOME_WORDS);
    },
    leaves: 'in the answer',
  },
];
