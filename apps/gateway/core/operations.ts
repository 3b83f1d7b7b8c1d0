/** What is read of a request's body and of its answer, beside passing both on. */
export type Reading =
  /** JSON in; tokens, usage and the end of a stream out. */
  | 'tokens'
  /** JSON in; the answer passes unread. */
  | 'request'
  /** A form (files) or JSON in, which the upstream alone judges; the answer passes unread. */
  | 'form';

/** An inference route: what a request on it is called in events, and how its answers are read. */
export interface Operation {
  readonly name: string;
  /** The route here and, under the upstream's own prefix, there. */
  readonly path: string;
  readonly reading: Reading;
  /** Streams of this operation tell their usage only where `stream_options.include_usage` asks for it. */
  readonly usageOnRequest: boolean;
}

export const CHAT: Operation = { name: 'chat', path: '/v1/chat/completions', reading: 'tokens', usageOnRequest: true };
export const TEXT_COMPLETION: Operation = { name: 'text_completion', path: '/v1/completions', reading: 'tokens', usageOnRequest: true };
export const EMBEDDINGS: Operation = { name: 'embeddings', path: '/v1/embeddings', reading: 'tokens', usageOnRequest: false };
export const RESPONSES: Operation = { name: 'responses', path: '/v1/responses', reading: 'tokens', usageOnRequest: false };
export const MESSAGES: Operation = { name: 'messages', path: '/v1/messages', reading: 'tokens', usageOnRequest: false };

const unread = (name: string, path: string, reading: Reading): Operation => ({ name, path, reading, usageOnRequest: false });

export const TRANSCRIPTION = unread('transcription', '/v1/audio/transcriptions', 'form');

/** Every inference route. */
export const OPERATIONS: readonly Operation[] = [
  CHAT,
  TEXT_COMPLETION,
  EMBEDDINGS,
  RESPONSES,
  MESSAGES,
  unread('rerank', '/v1/rerank', 'request'),
  unread('score', '/v1/score', 'request'),
  unread('tokenize', '/tokenize', 'request'),
  unread('speech', '/v1/audio/speech', 'request'),
  unread('image_generation', '/v1/images/generations', 'request'),
  TRANSCRIPTION,
  unread('translation', '/v1/audio/translations', 'form'),
  unread('image_edit', '/v1/images/edits', 'form'),
  unread('image_variation', '/v1/images/variations', 'form'),
];

const BY_PATH = new Map(OPERATIONS.map((operation) => [operation.path, operation]));

/** The operation of a request on `path`, or undefined for any other route. */
export function operationOf(method: string | undefined, path: string): Operation | undefined {
  return method === 'POST' ? BY_PATH.get(path) : undefined;
}
