import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, UNKNOWN_KEY } from '../core/errors.js';
import { operationOf } from '../core/operations.js';
import { ApiKeys } from '../out/api-keys.js';
import { Inference } from './inference.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose API key the request has; undefined where keys are not asked for. */
    keyName: string | undefined;
  }
}

/**
 * Where API keys are asked for, lets nobody without one through to the upstream, and keeps the keys here: they are ours, not the upstream's.
 * It asks before the body is read.
 */
@Injectable()
export class KeyGate implements OnModuleInit {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly keys: ApiKeys,
    private readonly inference: Inference,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance<FastifyInstance>();
    fastify.decorateRequest('keyName', undefined);
    if (!this.keys.areAsked) return;
    fastify.addHook('onRequest', (request, reply, done) => {
      if (!leadsUpstream(request) || this.admits(request)) return done();
      this.refuse(request, reply);
    });
  }

  private admits(request: FastifyRequest): boolean {
    const { headers } = request;
    const names = keysIn(headers).map((key) => this.keys.nameOf(key));
    request.keyName = names.find((name) => name !== undefined);
    if (request.keyName === undefined) return false;
    delete headers.authorization;
    delete headers['x-api-key'];
    return true;
  }

  private refuse(request: FastifyRequest, reply: FastifyReply): void {
    const operation = operationOf(request.method, routeOf(request));
    if (operation) return this.inference.handleRefused(operation, request, reply, UNKNOWN_KEY);
    void reply.status(UNKNOWN_KEY.status).header('content-type', 'application/json; charset=utf-8').send(errorBody(UNKNOWN_KEY));
  }
}

function leadsUpstream(request: FastifyRequest): boolean {
  const route = routeOf(request);
  return route.startsWith('/v1/models') || operationOf(request.method, route) !== undefined;
}

function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? '';
}

/** OpenAI's clients send theirs as a bearer token, Anthropic's as `x-api-key`. */
function keysIn(headers: IncomingHttpHeaders): readonly string[] {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  return [bearer, headers['x-api-key']].filter((key) => typeof key === 'string');
}
