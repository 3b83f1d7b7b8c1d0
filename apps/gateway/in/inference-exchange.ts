import type { FastifyRequest } from 'fastify';
import type { Logger } from '#libs/runtime';
import type { Admission } from '../core/admission.js';
import { AnswerWatch } from '../core/answer-watch.js';
import type { Baggage } from '../core/bag.js';
import {
  DRAINING,
  INTERNAL,
  INVALID_JSON,
  QUEUE_TIMEOUT,
  queueFull,
  UPSTREAM_TIMEOUT,
  UPSTREAM_UNREACHABLE,
  type GatewayError,
} from '../core/errors.js';
import { answerHeaders } from '../core/headers.js';
import { RequestLifecycle } from '../core/lifecycle.js';
import { Observation } from '../core/observation.js';
import type { Operation } from '../core/operations.js';
import { NO_FACTS, type RequestFacts } from '../core/request-facts.js';
import { askForUsage } from '../core/usage-request.js';
import type { AnswerHandler, AnswerHead, Call, FailureCause } from '../out/origin-pool.js';
import type { RequestRecorder } from '../out/request-recorder.js';
import type { Upstream } from '../out/upstream.js';
import type { GatewaySettings } from '../settings.js';
import { ClientAnswer, type AnswerListener } from './client-answer.js';

/** What all exchanges of one gateway share. */
export interface ExchangeShare {
  readonly settings: GatewaySettings;
  readonly admission: Admission<InferenceExchange>;
  readonly upstream: Upstream;
  readonly recorder: RequestRecorder;
  readonly logger: Logger;
  /** Called once, after the exchange's terminal event. */
  readonly ended: (exchange: InferenceExchange) => void;
}

/** One request as it was received. */
export interface ReceivedRequest {
  readonly operation: Operation;
  readonly request: FastifyRequest;
  readonly body: Buffer;
  /** Undefined if the body cannot be read. */
  readonly facts: RequestFacts | undefined;
  /** What the client calls its request, and the upstream is told. */
  readonly requestId: string;
  /** What events call it. */
  readonly eventId: string;
  readonly tenant: string | undefined;
}

const NOTHING_SEEN = new Observation();

const ANSWER_OF: Readonly<Record<FailureCause, GatewayError>> = {
  unreachable: UPSTREAM_UNREACHABLE,
  timeout: UPSTREAM_TIMEOUT,
  broken: UPSTREAM_UNREACHABLE,
  internal: INTERNAL,
};

/** One request between a client and the upstream, from its receipt to its terminal event. */
export class InferenceExchange implements AnswerHandler, AnswerListener, Baggage {
  place = 0;
  private readonly answer: ClientAnswer;
  private readonly lifecycle: RequestLifecycle;
  /** Set with the head of the upstream's answer. */
  private watch: AnswerWatch | undefined;
  private status = 0;
  private call: Call | undefined;
  private isAdmitted = false;
  private queueTimer: NodeJS.Timeout | undefined;
  private readonly receivedAtMs = performance.now();

  constructor(
    private readonly share: ExchangeShare,
    private readonly received: ReceivedRequest,
    answer: (listener: AnswerListener) => ClientAnswer,
  ) {
    const { operation, request, facts = NO_FACTS, eventId, tenant } = received;
    this.answer = answer(this);
    const partition = share.recorder.partitionOf(eventId);
    this.lifecycle = new RequestLifecycle(
      {
        request_id: eventId,
        operation: operation.name,
        model: facts.model,
        stream: facts.stream,
        ...(tenant !== undefined && { tenant }),
        ...(facts.maxTokens !== undefined && { max_tokens: facts.maxTokens }),
        ...(facts.n !== undefined && { n: facts.n }),
      },
      request.arrivedAtMs,
      this.receivedAtMs,
      (type, data) => share.recorder.record(partition, type, data),
    );
  }

  private get seen(): Observation {
    return this.watch?.seen ?? NOTHING_SEEN;
  }

  get eventId(): string {
    return this.received.eventId;
  }

  /** Asks for admission, or says at once why there is none. */
  begin(): void {
    const { admission, settings } = this.share;
    if (!this.received.facts) return this.refuse(INVALID_JSON);
    const entry = admission.enter(this);
    if (entry === 'refused') return this.refuse(queueFull(admission.waiting, settings.maxQueueSize));
    if (entry === 'admitted') return this.admit(this.receivedAtMs);
    this.lifecycle.enqueue();
    this.queueTimer = setTimeout(() => {
      admission.leaveQueue(this);
      this.refuse(QUEUE_TIMEOUT);
    }, settings.queueTimeoutMs);
  }

  /** The exchange has a place at the upstream since `nowMs`. */
  admit(nowMs: number): void {
    const { upstream } = this.share;
    const { operation, request, body, facts = NO_FACTS, requestId } = this.received;
    clearTimeout(this.queueTimer);
    this.isAdmitted = true;
    this.lifecycle.start(upstream.name, nowMs);
    try {
      const path = operation.path + queryOf(request.url);
      const headers = upstream.headersFor(request.headers, requestId);
      this.call = upstream.send({ method: 'POST', path, headers, body: askForUsage(body, facts.usageRequest) }, this);
    } catch (error) {
      this.failed('internal', error);
    }
  }

  head(head: AnswerHead): void {
    const { operation, facts = NO_FACTS, requestId } = this.received;
    const options = { strip: facts.usageRequest !== 'none', maxPlainBytes: this.share.settings.maxBodyBytes };
    this.status = head.status;
    this.watch = new AnswerWatch(operation, head, options, (bytes) => this.answer.write(bytes));
    const headers = answerHeaders(head.headers, { requestId, dropLength: this.watch.shortens });
    this.answer.head(head, headers, this.watch.shortens ? undefined : head.contentLength);
  }

  data(chunk: Buffer): boolean {
    this.watch?.push(chunk, performance.now());
    this.lifecycle.noteProgress(this.seen);
    return !this.answer.full;
  }

  end(): void {
    this.watch?.end(performance.now());
    this.answer.end();
  }

  failed(cause: FailureCause, error?: unknown): void {
    if (this.lifecycle.ended) return;
    if (cause === 'internal') this.share.logger.error(`a request failed by a mistake of the gateway:${framesOf(error)}`);
    if (!this.watch || !this.answer.headSent) return this.refuse(ANSWER_OF[cause]);
    this.answer.destroy();
    if (this.watch.isDecided) return this.conclude();
    const errorType = cause === 'broken' ? this.watch.faultIfBroken : ANSWER_OF[cause].errorType;
    this.lifecycle.fail(errorType, this.status, this.seen, performance.now());
    this.leave();
  }

  drained(): void {
    this.call?.resume();
  }

  delivered(): void {
    if (!this.lifecycle.ended) this.conclude();
  }

  closed(): void {
    if (this.lifecycle.ended) return;
    this.call?.abort();
    if (this.watch?.isDecided) return this.conclude();
    this.share.admission.leaveQueue(this);
    this.lifecycle.cancel(this.seen, performance.now());
    this.leave();
  }

  /** Ends the exchange from this side: the gateway is going away. */
  terminate(): void {
    if (this.lifecycle.ended) return;
    this.call?.abort();
    this.share.admission.leaveQueue(this);
    if (!this.answer.headSent) return this.refuse(DRAINING);
    this.answer.destroy();
    if (this.watch?.isDecided) return this.conclude();
    this.lifecycle.fail('internal', this.status, this.seen, performance.now());
    this.leave();
  }

  /** Answers with an error of the gateway's own, which ends the request. */
  refuse(error: GatewayError, options: { readonly close?: boolean } = {}): void {
    const { requestId, operation } = this.received;
    this.lifecycle.fail(error.errorType, error.status, this.seen, performance.now());
    this.answer.fail(error, requestId, { operation, ...options });
    this.leave();
  }

  private conclude(): void {
    const nowMs = performance.now();
    const errorType = this.watch?.fault;
    if (errorType) this.lifecycle.fail(errorType, this.status, this.seen, nowMs);
    else this.lifecycle.complete(this.status, this.seen, nowMs);
    this.leave();
  }

  /** Gives the place at the upstream to the next in the queue. */
  private leave(): void {
    clearTimeout(this.queueTimer);
    this.share.ended(this);
    if (this.isAdmitted) this.share.admission.release()?.admit(performance.now());
    this.isAdmitted = false;
  }
}

/** The query string of a request's target, with its question mark. */
function queryOf(target: string): string {
  const at = target.indexOf('?');
  return at === -1 ? '' : target.slice(at);
}

/** Where an error was thrown. Its message stays out of the log: it could quote a body. */
function framesOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  return ['', ...frames].join('\n');
}
