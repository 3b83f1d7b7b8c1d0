import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The JSON body of the answer, with `status`, to what no route ever sees: broken HTTP, a path that cannot be decoded, too many headers. */
export type ErrorBody = (status: number) => string;

/** The options of Fastify that this fills in. */
export interface BrokenRequestOptions {
  readonly http: { readonly requireHostHeader: false };
  clientErrorHandler(error: { readonly code: string }, socket: Socket): void;
  frameworkErrors(
    error: { readonly statusCode?: number },
    request: unknown,
    reply: { hijack(): unknown; readonly raw: ServerResponse },
  ): void;
}

const JSON_TYPE = 'application/json; charset=utf-8';

const STATUS_OF: ReadonlyMap<string, number> = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
]);

/** Fastify's options that answer broken requests with bodies of `bodyOf`; `refuseHostless` does the rest. */
export function brokenRequestOptions(bodyOf: ErrorBody): BrokenRequestOptions {
  return {
    http: { requireHostHeader: false },
    clientErrorHandler: (error, socket) => answerBrokenHttp(error.code, socket, bodyOf),
    frameworkErrors: ({ statusCode = 400 }, _request, reply) => {
      reply.hijack();
      answer(reply.raw, statusCode, bodyOf(statusCode));
    },
  };
}

/** What the connection goes on with cannot be known, so it ends. Nothing is written into an answer that has begun. */
function answerBrokenHttp(code: string, socket: Socket, bodyOf: ErrorBody): void {
  // Node's own handler asks the same way whether an answer is under way.
  const { _httpMessage: underWay } = socket as { _httpMessage?: ServerResponse | null };
  if (socket.writable && code !== 'ECONNRESET' && !underWay?.headersSent) socket.write(wholeAnswer(STATUS_OF.get(code) ?? 400, bodyOf));
  socket.destroySoon();
}

function wholeAnswer(status: number, bodyOf: ErrorBody): string {
  const body = bodyOf(status);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${JSON_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}`;
  return `${head}\r\nconnection: close\r\n\r\n${body}`;
}

/** Whether a request must name its host, and does not. */
export function lacksHost({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.host === undefined && httpVersion === '1.1';
}

/** Answers a request that must name its host and does not, in place of Node, which would do so without a body. True if it has. */
export function refuseHostless(request: IncomingMessage, response: ServerResponse, bodyOf: ErrorBody): boolean {
  if (!lacksHost(request)) return false;
  answer(response, 400, bodyOf(400));
  return true;
}

/**
 * Lets a client that asks first (`Expect: 100-continue`) send its body only if that is not too large by its own account. Any other
 * expectation gets 417.
 */
export function answerExpectations(server: Server, maxBodyBytes: number, bodyOf: ErrorBody | undefined): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (Number(request.headers['content-length'] ?? 0) <= maxBodyBytes) response.writeContinue();
    server.emit('request', request, response);
  });
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    answer(response, 417, bodyOf?.(417) ?? '');
  });
}

/** The rest of the request may be anything, so the connection ends with the answer. */
function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(body), connection: 'close' }).end(body);
}
