import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, UNKNOWN_KEY } from '../core/errors.js';
import { ApiKeys } from '../out/api-keys.js';

/** Whether a request may go on, and whose API key it has: none where keys are not asked for. */
export interface KeyCheck {
  readonly isGranted: boolean;
  readonly name?: string;
}

const GRANTED: KeyCheck = { isGranted: true };
const REFUSED: KeyCheck = { isGranted: false };

/** Where API keys are asked for, lets nobody without one through to the upstream, and keeps the keys here: they are ours, not the upstream's. */
@Injectable()
export class KeyGate implements OnModuleInit {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly keys: ApiKeys,
  ) {}

  /** The routes that the framework serves; InferenceRoutes asks for its own. */
  onModuleInit(): void {
    if (!this.keys.areAsked) return;
    this.adapterHost.httpAdapter.getInstance<FastifyInstance>().addHook('onRequest', (request, reply, done) => {
      if (!leadsUpstream(request) || this.admit(request.headers).isGranted) done();
      else refuse(reply);
    });
  }

  /** Checks the key that the headers hold, and takes it out. */
  admit(headers: IncomingHttpHeaders): KeyCheck {
    if (!this.keys.areAsked) return GRANTED;
    const names = keysIn(headers).map((key) => this.keys.nameOf(key));
    const name = names.find((each) => each !== undefined);
    if (name === undefined) return REFUSED;
    delete headers.authorization;
    delete headers['x-api-key'];
    return { isGranted: true, name };
  }
}

function refuse(reply: FastifyReply): void {
  void reply.status(UNKNOWN_KEY.status).header('content-type', 'application/json; charset=utf-8').send(errorBody(UNKNOWN_KEY));
}

function leadsUpstream(request: FastifyRequest): boolean {
  return (request.routeOptions.url ?? '').startsWith('/v1/models');
}

/** OpenAI's clients send theirs as a bearer token, Anthropic's as `x-api-key`. */
function keysIn(headers: IncomingHttpHeaders): readonly string[] {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  return [bearer, headers['x-api-key']].filter((key) => typeof key === 'string');
}
