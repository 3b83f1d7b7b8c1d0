import type { IncomingHttpHeaders } from 'node:http';
import type { CancelPhase } from '#libs/contracts';
import type { Logger } from '#libs/runtime';
import { AnswerWatch } from '../core/answer-watch.js';
import type { Baggage } from '../core/bag.js';
import {
  CANCELLED,
  DRAINED_IN_QUEUE,
  DRAINING,
  INTERNAL,
  INVALID_JSON,
  UPSTREAM_TIMEOUT,
  UPSTREAM_UNREACHABLE,
  type GatewayError,
} from '../core/errors.js';
import { answerHeaders } from '../core/headers.js';
import { RequestLifecycle } from '../core/lifecycle.js';
import { Observation } from '../core/observation.js';
import type { Operation } from '../core/operations.js';
import { NO_FACTS, type RequestFacts } from '../core/request-facts.js';
import { clientTraceparent } from '../core/request-id.js';
import type { UsageRefusals } from '../core/usage-refusals.js';
import { askForUsage } from '../core/usage-request.js';
import type { AnswerHead } from '../core/answer-head.js';
import type { Call, FailureCause } from '../out/origin-pool.js';
import type { RequestRecorder } from '../out/request-recorder.js';
import type { UpstreamHandler, UpstreamPlace, Upstreams } from '../out/upstreams.js';
import type { GatewaySettings } from '../settings.js';
import { ClientAnswer, type AnswerListener } from './client-answer.js';
import { reportMistake } from './mistake.js';
import { Place, type Guest, type House } from './place.js';
import { UsageTrial, type Send } from './usage-trial.js';

/** What all exchanges of one gateway share. */
export interface ExchangeShare extends House {
  readonly settings: GatewaySettings;
  readonly upstreams: Upstreams;
  readonly recorder: RequestRecorder;
  readonly usageRefusals: UsageRefusals;
  readonly logger: Logger;
  /** Called once, after the exchange's terminal event. */
  readonly ended: (exchange: InferenceExchange) => void;
}

/** One request as it was received. */
export interface ReceivedRequest {
  readonly operation: Operation;
  readonly headers: IncomingHttpHeaders;
  readonly target: string;
  /** When its head had come, by the monotonic clock, in ms. */
  readonly arrivedAtMs: number;
  readonly body: Buffer;
  /** Undefined if the body cannot be read. */
  readonly facts: RequestFacts | undefined;
  /** What the client calls its request, and the upstream is told. */
  readonly requestId: string;
  /** What events call it. */
  readonly eventId: string;
  readonly tenant: string | undefined;
}

/** One open request as `/admin/requests` shows it. */
export interface OpenRequest {
  /** What events call it. */
  readonly id: string;
  readonly operation: string;
  readonly model: string;
  readonly stream: boolean;
  readonly tenant?: string;
  readonly phase: CancelPhase;
  readonly age_seconds: number;
  readonly upstream?: string;
  /** So far. */
  readonly output_tokens: number;
}

const NOTHING_SEEN = new Observation();

const ANSWER_OF: Readonly<Record<FailureCause, GatewayError>> = {
  unreachable: UPSTREAM_UNREACHABLE,
  timeout: UPSTREAM_TIMEOUT,
  broken: UPSTREAM_UNREACHABLE,
  internal: INTERNAL,
};

/** One request between a client and the upstream, from its receipt to its terminal event. */
export class InferenceExchange implements UpstreamHandler, AnswerListener, Guest, Baggage {
  place = 0;
  private readonly answer: ClientAnswer;
  private readonly lifecycle: RequestLifecycle;
  private readonly admission: Place;
  /** Set with the head of the upstream's answer. */
  private watch: AnswerWatch | undefined;
  private status = 0;
  /** Usage is asked for in the client's place. */
  private asksForUsage = false;
  private call: Call | undefined;
  private isUpstreamDone = false;
  /** The upstream was left in the middle of its work. */
  private isCut = false;
  /** Where the request goes; empty until it is admitted. */
  private upstream = '';
  private upstreamIndex: number | undefined;
  private readonly receivedAtMs = performance.now();

  constructor(
    private readonly share: ExchangeShare,
    private readonly received: ReceivedRequest,
    answer: (listener: AnswerListener) => ClientAnswer,
  ) {
    const { operation, headers, arrivedAtMs, facts = NO_FACTS, eventId, tenant } = received;
    this.answer = answer(this);
    this.admission = new Place(share, this, tenant);
    const partition = share.recorder.partitionOf(eventId);
    const traceparent = clientTraceparent(headers['traceparent']);
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
      arrivedAtMs,
      this.receivedAtMs,
      (type, data) => share.recorder.record(partition, type, data, traceparent),
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
    if (!this.received.facts) return this.refuse(INVALID_JSON);
    const entry = this.admission.ask();
    if (entry === 'admitted') return this.admit(this.receivedAtMs);
    if (entry !== 'queued') return this.refuse(entry);
    this.lifecycle.enqueue();
    this.admission.limitWait(this.share.settings.queueTimeoutMs, (error) => this.refuse(error));
  }

  /** The exchange has a place at the upstream since `nowMs`. */
  admit(nowMs: number): void {
    const { upstreams } = this.share;
    const { operation, target, body, facts = NO_FACTS, requestId } = this.received;
    this.admission.take(nowMs);
    this.upstream = upstreams.name;
    try {
      const path = operation.path + queryOf(target);
      const headers = upstreams.headersFor(this.received.headers, requestId);
      const send: Send = (bytes, handler) => upstreams.send({ method: 'POST', path, headers, body: bytes }, handler);
      this.asksForUsage = facts.usageRequest !== 'none' && !this.share.usageRefusals.has(facts.model, nowMs);
      this.call = this.asksForUsage ? this.tryToAsk(send, body, facts) : send(body, this);
    } catch (error) {
      this.failed('internal', error);
    }
  }

  private tryToAsk(send: Send, body: Buffer, { model, usageRequest }: RequestFacts): Call {
    const refused = (): void => void (this.asksForUsage = false);
    const proved = (): void => this.share.usageRefusals.note(model, performance.now());
    return new UsageTrial({ send, asking: askForUsage(body, usageRequest), plain: body, refused, proved }, this);
  }

  goesTo({ name, index }: UpstreamPlace): void {
    this.upstream = name;
    this.upstreamIndex = index;
  }

  /** Told before anything else that follows admission, as soon as it is certain which upstream has the request. */
  sent(): void {
    if (this.upstream !== '') this.lifecycle.start(this.upstream, this.admission.sinceMs, this.upstreamIndex);
  }

  head(head: AnswerHead): void {
    const { operation, requestId } = this.received;
    const options = { strip: this.asksForUsage, maxPlainBytes: this.share.settings.maxBodyBytes };
    this.status = head.status;
    this.watch = new AnswerWatch(operation, head, options, (bytes) => this.answer.write(bytes));
    const queueMs = this.share.settings.serverTiming ? this.lifecycle.queueMs : undefined;
    const headers = answerHeaders(head.headers, { requestId, dropLength: this.watch.shortens, queueMs });
    this.answer.head(head, headers, this.watch.shortens ? undefined : head.contentLength);
  }

  data(chunk: Buffer): boolean {
    this.watch?.push(chunk, performance.now());
    this.lifecycle.noteProgress(this.seen);
    return !this.answer.full;
  }

  end(): void {
    const nowMs = performance.now();
    this.isUpstreamDone = true;
    this.watch?.end(nowMs);
    this.answer.end();
    // The upstream is done; the rest waits here for a client that does not keep up.
    if (this.answer.backlog > 0) this.admission.giveUpEarly(nowMs);
  }

  failed(cause: FailureCause, error?: unknown): void {
    if (this.lifecycle.ended) return;
    this.sent();
    // The call has been given up from this side already.
    if (cause === 'timeout' || cause === 'internal') this.isCut = true;
    if (cause === 'internal') reportMistake(this.share.logger, error);
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
    this.sent();
    this.cut();
    if (this.watch?.isDecided) return this.conclude();
    this.admission.leaveQueue();
    this.lifecycle.cancel(this.seen, performance.now());
    this.leave();
  }

  /** Ends the exchange from this side: the gateway is going away. */
  terminate(): void {
    if (this.lifecycle.ended) return;
    this.sent();
    this.cut();
    this.admission.leaveQueue();
    if (!this.answer.headSent) return this.refuse(this.admission.isTaken ? DRAINING : DRAINED_IN_QUEUE);
    this.answer.destroy();
    if (this.watch?.isDecided) return this.conclude();
    this.lifecycle.fail('internal', this.status, this.seen, performance.now());
    this.leave();
  }

  /** Ends the exchange as if its client had hung up, and tells the client so if there is still a way to. */
  cancel(): void {
    if (this.lifecycle.ended) return;
    this.sent();
    this.cut();
    this.admission.leaveQueue();
    if (this.watch?.isDecided) {
      this.answer.destroy();
      return this.conclude();
    }
    this.lifecycle.cancel(this.seen, performance.now());
    if (this.answer.headSent) this.answer.destroy();
    else this.answer.fail(CANCELLED, this.received.requestId, { operation: this.received.operation });
    this.leave();
  }

  /** How the exchange stands at `nowMs`, for the operator. */
  describe(nowMs: number): OpenRequest {
    const { operation, arrivedAtMs, facts = NO_FACTS, eventId, tenant } = this.received;
    const { usage, tokenChunks } = this.seen;
    return {
      id: eventId,
      operation: operation.name,
      model: facts.model,
      stream: facts.stream,
      ...(tenant !== undefined && { tenant }),
      phase: this.admission.isTaken ? (tokenChunks > 0 ? 'streaming' : 'before_first_token') : 'queued',
      age_seconds: Math.round(nowMs - arrivedAtMs) / 1000,
      ...(this.upstream !== '' && { upstream: this.upstream }),
      output_tokens: usage?.outputTokens ?? tokenChunks,
    };
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

  private leave(): void {
    this.share.ended(this);
    this.admission.end(this.isCut);
  }

  /** Ends the upstream's work, if it has any for this exchange. */
  private cut(): void {
    if (!this.call || this.isUpstreamDone) return;
    this.isCut = true;
    this.call.abort();
  }
}

/** The query string of a request's target, with its question mark. */
function queryOf(target: string): string {
  const at = target.indexOf('?');
  return at === -1 ? '' : target.slice(at);
}
