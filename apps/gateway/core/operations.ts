/** An inference route: what a request on it is called in events, and how its answers are read. */
export interface Operation {
  readonly name: 'chat' | 'text_completion' | 'embeddings' | 'responses' | 'messages';
  /** The route here and, under the upstream's own prefix, there. */
  readonly path: string;
  /** Streams of this operation tell their usage only where `stream_options.include_usage` asks for it. */
  readonly usageOnRequest: boolean;
}

export const CHAT: Operation = { name: 'chat', path: '/v1/chat/completions', usageOnRequest: true };
export const TEXT_COMPLETION: Operation = { name: 'text_completion', path: '/v1/completions', usageOnRequest: true };
export const EMBEDDINGS: Operation = { name: 'embeddings', path: '/v1/embeddings', usageOnRequest: false };
export const RESPONSES: Operation = { name: 'responses', path: '/v1/responses', usageOnRequest: false };
export const MESSAGES: Operation = { name: 'messages', path: '/v1/messages', usageOnRequest: false };

const OPERATIONS = [CHAT, TEXT_COMPLETION, EMBEDDINGS, RESPONSES, MESSAGES];

/** The operation of a request whose route handler never ran (its body was refused), or undefined for any other route. */
export function operationOf(method: string, path: string): Operation | undefined {
  return method === 'POST' ? OPERATIONS.find((operation) => operation.path === path) : undefined;
}
