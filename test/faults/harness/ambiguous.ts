import type { Random } from './plan.js';

const BODY = '{"model":"m","messages":[]}';
const SECOND = `POST /v1/completions HTTP/1.1\r\nhost: x\r\nx-request-id: inner\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
const CHUNKED = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;

const FRAMINGS = [
  `content-length: ${BODY.length}`,
  `content-length: ${BODY.length + SECOND.length}`,
  'content-length: 0',
  'content-length: 4',
  `content-length: +${BODY.length}`,
  `content-length: 0x${BODY.length.toString(16)}`,
  `content-length: ${BODY.length}, ${BODY.length}`,
  `content-length: ${BODY.length} 0`,
  `content-length : ${BODY.length}`,
  `Content-Length:\t${BODY.length}`,
  'content-length:',
  'transfer-encoding: chunked',
  'Transfer-Encoding: CHUNKED',
  'transfer-encoding : chunked',
  'transfer-encoding:\x0bchunked',
  'transfer-encoding: xchunked',
  'transfer-encoding: chunked, identity',
  'transfer-encoding: identity, chunked',
  'transfer-encoding: gzip, chunked',
  'transfer-encoding: identity',
  'transfer-encoding:\r\n chunked',
  'transfer_encoding: chunked',
  'x: y\r\n\ttransfer-encoding: chunked',
];

const COMPANIONS = [
  'connection: content-length',
  'connection: transfer-encoding, close',
  'connection: keep-alive, x-request-id',
  'expect: 100-continue',
  'upgrade: h2c',
  'te: trailers',
  'trailer: content-length',
  'host: other',
  'x: a\rb',
  'x: a\nb: c',
  'x: a\0b',
  'x\0: a',
  ': a',
  'x-no-colon',
  ' folded',
  'x: \xff\xfe',
  'content-encoding: gzip',
];

const TARGETS = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings?a=b', 'http://other/v1/completions', '/v1//completions', '*'];
const ENDS_OF_LINE = ['\n', '\r', '\r\r\n'];

/** A message that two servers might read as different requests, or as different numbers of them. The same random numbers make the same message. */
export function ambiguousMessage(random: Random, id: string): string {
  // Two oddities in one message mostly hide each other behind one refusal.
  const isFramed = random.chance(0.4);
  const framings = isFramed ? [FRAMINGS[0]!] : Array.from({ length: random.integer(1, 2) }, () => random.pick(FRAMINGS));
  const companions = Array.from({ length: random.integer(0, 2) }, () => random.pick(COMPANIONS));
  const start = `POST ${random.pick(TARGETS)} HTTP/1.${random.chance(0.9) ? 1 : 0}`;
  const headers = ['host: x', `x-request-id: ${id}`, ...framings, ...companions];
  if (random.chance(0.3)) headers.reverse();
  const body = isFramed
    ? BODY
    : random.pick([BODY, CHUNKED, `0\r\n\r\n`, '', CHUNKED.replace('\r\n', ';a="b\r\n'), CHUNKED.replace('\r\n', '\n')]);
  const message = `${[start, ...headers].join('\r\n')}\r\n\r\n${body}${random.chance(0.6) ? SECOND : ''}`;
  if (!random.chance(0.2)) return message;
  const lines = message.split('\r\n');
  const at = random.integer(1, lines.length - 1);
  return lines.slice(0, at).join('\r\n') + random.pick(ENDS_OF_LINE) + lines.slice(at).join('\r\n');
}
