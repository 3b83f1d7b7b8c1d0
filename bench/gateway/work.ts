/** What the benches of the gateway ask for, and what the model answers. The prompt is some 100 tokens, as in a short chat. */

const MESSAGES = [{ role: 'user', content: 'What is the weather like in Ljubljana in May? '.repeat(10) }];
const USAGE = { prompt_tokens: 100, total_tokens: 164, completion_tokens: 64 };

/** The whole answer to a request that is not streamed. */
export const ANSWER = JSON.stringify({
  id: 'chatcmpl-0198c1d47a3e70008000',
  object: 'chat.completion',
  model: 'demo-7b',
  choices: [{ index: 0, message: { role: 'assistant', content: 'word '.repeat(64) }, finish_reason: 'stop' }],
  usage: USAGE,
});

/** One token of a stream. */
export const FRAME = `data: ${JSON.stringify({
  id: 'chatcmpl-0198c1d47a3e70008000',
  object: 'chat.completion.chunk',
  created: 1_767_225_600,
  model: 'demo-7b',
  choices: [{ index: 0, delta: { content: ' token' }, logprobs: null, finish_reason: null, token_ids: null }],
})}\n\n`;

/** What follows the last token where usage was asked for. */
export const USAGE_FRAME = `data: ${JSON.stringify({
  id: 'chatcmpl-0198c1d47a3e70008000',
  object: 'chat.completion.chunk',
  created: 1_767_225_600,
  model: 'demo-7b',
  choices: [],
  usage: USAGE,
})}\n\n`;

export const LAST_FRAME = 'data: [DONE]\n\n';

/** The body of a chat request that is answered as a whole, at once. */
export function plainBody(): string {
  return JSON.stringify({ model: 'demo-7b', messages: MESSAGES, max_tokens: 64 });
}

/** The body of a chat request that is streamed: the first frame comes at once, each further one after `everyMs`. */
export function streamBody(frames: number, everyMs: number): string {
  return JSON.stringify({ model: 'demo-7b', messages: MESSAGES, max_tokens: frames, stream: true, user: `every ${everyMs} ms` });
}
