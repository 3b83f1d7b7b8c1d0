import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#libs/runtime';
import type { Admission } from '../core/admission.js';
import { Bag } from '../core/bag.js';
import { DRAINING, refusedBody, type GatewayError } from '../core/errors.js';
import type { Operation } from '../core/operations.js';
import { readRequestFacts } from '../core/request-facts.js';
import { clientRequestId, OpenRequestIds } from '../core/request-id.js';
import type { RequestRecorder } from '../out/request-recorder.js';
import type { Upstream } from '../out/upstream.js';
import type { GatewaySettings } from '../settings.js';
import { ClientAnswer } from './client-answer.js';
import { InferenceExchange, type ExchangeShare } from './inference-exchange.js';

const TENANT = /^[\x21-\x7e]{1,128}$/;
const NO_BODY = Buffer.alloc(0);

/** Takes requests on inference routes, and keeps account of those that are open. */
export class Inference {
  private readonly open = new Bag<InferenceExchange>();
  private readonly ids = new OpenRequestIds();
  private readonly share: ExchangeShare;
  private isDraining = false;
  private whenIdle: (() => void) | undefined;

  constructor(
    private readonly settings: GatewaySettings,
    admission: Admission<InferenceExchange>,
    upstream: Upstream,
    recorder: RequestRecorder,
    logger: Logger,
  ) {
    this.share = { settings, admission, upstream, recorder, logger, ended: (exchange) => this.forget(exchange) };
  }

  /** True from the start of `drain`: new requests are refused. */
  get draining(): boolean {
    return this.isDraining;
  }

  /** Answers the request, now or later. */
  handle(operation: Operation, request: FastifyRequest, reply: FastifyReply): void {
    const body = Buffer.isBuffer(request.body) ? request.body : NO_BODY;
    const exchange = this.receive(operation, request, reply, body);
    if (this.isDraining) exchange.refuse(DRAINING, { close: true });
    else exchange.begin();
  }

  /** Answers a request whose body was refused with `status` before it was read. It counts as received and failed. */
  handleRefused(operation: Operation, request: FastifyRequest, reply: FastifyReply, status: number): void {
    const error: GatewayError = refusedBody(status);
    this.receive(operation, request, reply, NO_BODY).refuse(error, { close: true });
  }

  /** Refuses new requests, and resolves when the open ones have ended: by themselves, or because `deadlineMs` has passed. */
  async drain(deadlineMs: number): Promise<void> {
    this.isDraining = true;
    if (this.open.size === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.whenIdle = resolve;
    });
    const deadline = setTimeout(() => {
      const open = this.open.contents();
      for (const exchange of open) this.share.admission.leaveQueue(exchange); // Or else it would move up into a place given up here.
      for (const exchange of open) exchange.terminate();
    }, deadlineMs);
    await idle;
    clearTimeout(deadline);
  }

  private receive(operation: Operation, request: FastifyRequest, reply: FastifyReply, body: Buffer): InferenceExchange {
    reply.hijack();
    const requestId = clientRequestId(request.headers['x-request-id']) ?? randomUUID();
    const exchange = new InferenceExchange(
      this.share,
      {
        operation,
        request,
        body,
        facts: readRequestFacts(body.toString(), operation),
        requestId,
        eventId: this.ids.claim(requestId),
        tenant: this.tenantOf(request),
      },
      (listener) => new ClientAnswer(reply.raw, this.settings.clientStallTimeoutMs, listener),
    );
    this.open.add(exchange);
    return exchange;
  }

  private tenantOf(request: FastifyRequest): string | undefined {
    const { tenantHeader } = this.settings;
    const tenant = tenantHeader === undefined ? undefined : request.headers[tenantHeader];
    return typeof tenant === 'string' && TENANT.test(tenant) ? tenant : undefined;
  }

  private forget(exchange: InferenceExchange): void {
    this.open.remove(exchange);
    this.ids.release(exchange.eventId);
    if (this.open.size === 0) this.whenIdle?.();
  }
}
