/** Request headers that go up. Everything else stays here: cookies, forwarding headers, keys of other services. */
const FORWARDED = [
  'accept',
  'anthropic-beta',
  'anthropic-version',
  'authorization',
  'content-type',
  'idempotency-key',
  'openai-beta',
  'openai-organization',
  'openai-project',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-api-key',
  'x-data-parallel-rank',
];

/** RFC 9110, 7.6.1: headers of one connection, not of the message. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

type HeaderValues = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface OutgoingHeaderOptions {
  readonly requestId: string;
  /** Takes the place of the client's own key. */
  readonly apiKey: string | undefined;
}

/** The headers of a request to the upstream, as a flat list of names and values. Incoming names are lower case. */
export function outgoingHeaders(incoming: HeaderValues, { requestId, apiKey }: OutgoingHeaderOptions): string[] {
  const headers = ['accept-encoding', 'identity', 'x-request-id', requestId];
  if (apiKey !== undefined) headers.push('authorization', `Bearer ${apiKey}`);
  for (const name of FORWARDED) {
    const value = incoming[name];
    const isReplaced = apiKey !== undefined && (name === 'authorization' || name === 'x-api-key');
    if (typeof value === 'string' && !isReplaced) headers.push(name, value);
  }
  return headers;
}

export interface AnswerHeaderOptions {
  readonly requestId: string;
  /** The body may become shorter on its way, so its length must not be promised. */
  readonly dropLength: boolean;
  /** Told as `server-timing`, beside what the upstream tells there; not at all where undefined. */
  readonly queueMs?: number | undefined;
}

/** The headers of the client's answer: the upstream's in their order and spelling, without those of its connection. Both lists are flat. */
export function answerHeaders(upstream: readonly string[], { requestId, dropLength, queueMs }: AnswerHeaderOptions): string[] {
  const named = connectionTokens(upstream);
  const headers: string[] = [];
  for (let at = 0; at + 1 < upstream.length; at += 2) {
    const name = upstream[at]!.toLowerCase();
    const isDropped = HOP_BY_HOP.has(name) || named.has(name) || name === 'x-request-id' || (dropLength && name === 'content-length');
    if (!isDropped) headers.push(upstream[at]!, upstream[at + 1]!);
  }
  headers.push('x-request-id', requestId);
  if (queueMs !== undefined) headers.push('server-timing', `queue;dur=${queueMs}`);
  return headers;
}

/** Header names that a `Connection` header declares hop-by-hop. */
function connectionTokens(headers: readonly string[]): ReadonlySet<string> {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const isConnection = headers[at]!.length === CONNECTION.length && headers[at]!.toLowerCase() === CONNECTION;
    if (!isConnection) continue;
    const tokens = headers[at + 1]!.toLowerCase().split(',');
    return new Set(tokens.map((token) => token.trim()).filter((token) => token !== 'content-length' && token !== 'content-type'));
  }
  return NONE;
}

const CONNECTION = 'connection';
const NONE: ReadonlySet<string> = new Set();
