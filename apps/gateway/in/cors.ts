import type { OnModuleInit } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const PREFIX = 'access-control-';
const REQUESTED_HEADERS = /^[\w\-,\s]{1,1000}$/;

/** Lets pages of the given origins (`*` for any) read the answers of this gateway. Without any, it does nothing at all. */
export class Cors implements OnModuleInit {
  private readonly anyOrigin: boolean;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly origins: ReadonlySet<string>,
  ) {
    this.anyOrigin = origins.has('*');
  }

  get isOn(): boolean {
    return this.origins.size > 0;
  }

  onModuleInit(): void {
    if (!this.isOn) return;
    this.adapterHost.httpAdapter.getInstance<FastifyInstance>().addHook('onRequest', (request, reply, done) => {
      if (this.allow(request.raw, reply.raw) && isPreflight(request)) answerPreflight(request, reply);
      else done();
    });
  }

  /** Whatever answers the request, these headers go along. Answers whether its page may read the answer. */
  allow({ headers: { origin } }: IncomingMessage, raw: ServerResponse): boolean {
    if (!this.isOn) return false;
    if (!this.anyOrigin) raw.setHeader('vary', 'Origin');
    if (origin === undefined || !(this.anyOrigin || this.origins.has(origin))) return false;
    raw.setHeader(`${PREFIX}allow-origin`, this.anyOrigin ? '*' : origin);
    raw.setHeader(`${PREFIX}expose-headers`, 'x-request-id, server-timing, retry-after');
    return true;
  }
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers[`${PREFIX}request-method`] !== undefined;
}

function answerPreflight({ headers }: FastifyRequest, reply: FastifyReply): void {
  const asked = headers[`${PREFIX}request-headers`];
  const allowed = typeof asked === 'string' && REQUESTED_HEADERS.test(asked) ? { [`${PREFIX}allow-headers`]: asked } : {};
  void reply
    .status(204)
    .headers({ [`${PREFIX}allow-methods`]: 'GET, HEAD, POST, OPTIONS', [`${PREFIX}max-age`]: '600', ...allowed })
    .send();
}

/** The upstream's headers and those that CORS has set on the answer, which are the only ones of their kind. Both lists are flat. */
export function withCorsHeaders(raw: ServerResponse, upstream: string[]): string[] {
  const names = raw.getHeaderNames();
  if (names.length === 0) return upstream;
  const headers = upstream.filter((_text, at) => !upstream[at - (at % 2)]!.toLowerCase().startsWith(PREFIX));
  for (const name of names) {
    headers.push(name, String(raw.getHeader(name)));
    // Or else it would take the place of the upstream's header of that name.
    raw.removeHeader(name);
  }
  return headers;
}
