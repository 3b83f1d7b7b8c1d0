import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { lacksHost } from '#libs/runtime';
import { refusedBody, UNKNOWN_KEY } from '../core/errors.js';
import { operationOf, type Operation } from '../core/operations.js';
import type { PlainHead } from '../core/plain-request.js';
import { NodeAnswerStream, type AnswerStream } from './answer-stream.js';
import type { PlainHost } from './client-connection.js';
import { Cors } from './cors.js';
import { Inference, type Arrival } from './inference.js';
import { KeyGate } from './key-gate.js';
import { PlainDoor } from './plain-door.js';
import { readBody, type BodyOutcome } from './request-body.js';

const BODY_TOO_LARGE = 413;

/** An arrival whose way to answer is not known yet. */
type Visit = Omit<Arrival, 'answer'>;

/**
 * The routes that go through admission and have events. They are taken before the framework sees them: its hooks, its router and its reading of
 * bodies would cost as much again as passing the request on. What is not theirs goes the framework's way.
 */
@Injectable()
export class InferenceRoutes implements OnModuleInit, PlainHost<Visit> {
  private door: PlainDoor | undefined;
  /** When the head of a connection's next request had come, where Node was given it later. */
  private readonly earlierArrivals = new WeakMap<Socket, number>();

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly inference: Inference,
    private readonly keys: KeyGate,
    private readonly cors: Cors,
  ) {}

  onModuleInit(): void {
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    const others = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[];
    server.removeAllListeners('request');
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      // What lacks its host is answered as broken, the framework's way.
      const operation = lacksHost(request) ? undefined : operationOf(request.method, pathOf(request.url));
      if (operation) this.take(operation, request, response);
      else for (const listener of others) listener.call(server, request, response);
    });
    // The headers that CORS adds are Node's way only.
    if (!this.cors.isOn) this.door = new PlainDoor(server, this);
  }

  /** To be called once nobody needs their connection any more, with `closeAllConnections` of the server. */
  closeConnections(): void {
    this.door?.shut();
  }

  get maxBodyBytes(): number {
    return this.inference.maxBodyBytes;
  }

  welcome({ target, headers, contentLength }: PlainHead, socket: Socket): Visit | undefined {
    const operation = operationOf('POST', pathOf(target));
    if (!operation || contentLength > this.inference.maxBodyBytes) return undefined;
    const admission = this.keys.admit(headers);
    if (!admission.isGranted) return undefined;
    return { operation, headers, target, socket, arrivedAtMs: performance.now(), keyName: admission.name };
  }

  serve(visit: Visit, body: Buffer, answer: AnswerStream): void {
    this.handOver({ ...visit, answer }, body);
  }

  abandoned(visit: Visit, answer: AnswerStream): void {
    this.handOver({ ...visit, answer }, 'abandoned');
  }

  passedOn({ arrivedAtMs }: Visit, socket: Socket): void {
    this.earlierArrivals.set(socket, arrivedAtMs);
  }

  private take(operation: Operation, request: IncomingMessage, response: ServerResponse): void {
    this.cors.allow(request, response);
    const admission = this.keys.admit(request.headers);
    const { headers, url: target = '', socket } = request;
    const answer = new NodeAnswerStream(response);
    const arrivedAtMs = this.earlierArrivals.get(socket) ?? performance.now();
    this.earlierArrivals.delete(socket);
    const arrival = { operation, headers, target, socket, arrivedAtMs, keyName: admission.name, answer };
    if (!admission.isGranted) return this.inference.handleRefused(arrival, UNKNOWN_KEY);
    readBody(request, this.inference.maxBodyBytes, (body) => this.handOver(arrival, body));
  }

  private handOver(arrival: Arrival, body: BodyOutcome): void {
    const { inference } = this;
    try {
      if (body === 'abandoned') inference.handleAbandoned(arrival);
      else if (body === 'too_large') inference.handleRefused(arrival, refusedBody(BODY_TOO_LARGE, inference.maxBodyBytes));
      else inference.handle(arrival, body);
    } catch (error) {
      inference.handleMistake(arrival, error);
    }
  }
}

/** The path of a request's target as the routes spell it, however the client has escaped it, and whether it names a host or not. */
function pathOf(target = ''): string {
  const query = target.indexOf('?');
  const place = query === -1 ? target : target.slice(0, query);
  // RFC 9112, 3.2.2: servers take the absolute form, too.
  const path = place.startsWith('/') ? place : place.replace(/^https?:\/\/[^/]*/i, '');
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
