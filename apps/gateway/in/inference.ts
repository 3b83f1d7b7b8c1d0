import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '#libs/runtime';
import type { Admission, AdmissionLimits } from '../core/admission.js';
import { Bag } from '../core/bag.js';
import { DRAINING, type GatewayError } from '../core/errors.js';
import type { Operation } from '../core/operations.js';
import { readRequestFacts } from '../core/request-facts.js';
import { clientRequestId, OpenRequestIds } from '../core/request-id.js';
import { ServiceTime } from '../core/service-time.js';
import { UsageRefusals } from '../core/usage-refusals.js';
import type { RequestRecorder } from '../out/request-recorder.js';
import type { Upstreams } from '../out/upstreams.js';
import type { GatewaySettings } from '../settings.js';
import type { AnswerStream } from './answer-stream.js';
import { ClientAnswer, type ClientLimits } from './client-answer.js';
import { reportMistake } from './mistake.js';
import { InferenceExchange, type ExchangeShare, type OpenRequest } from './inference-exchange.js';
import type { Guest } from './place.js';

const TENANT = /^[\x21-\x7e]{1,128}$/;
const NO_BODY = Buffer.alloc(0);

/** A request on an inference route as its head came. */
export interface Arrival {
  readonly operation: Operation;
  readonly headers: IncomingHttpHeaders;
  /** Its path and query, as they came. */
  readonly target: string;
  readonly socket: Socket;
  readonly answer: AnswerStream;
  /** By the monotonic clock, in ms. */
  readonly arrivedAtMs: number;
  /** Whose API key the request has; undefined where keys are not asked for. */
  readonly keyName: string | undefined;
}

/** Takes requests on inference routes, and keeps account of those that are open. */
export class Inference {
  private readonly open = new Bag<InferenceExchange>();
  private readonly ids = new OpenRequestIds();
  private readonly share: ExchangeShare;
  private readonly clientLimits: ClientLimits;
  private isLeaving = false;
  private isDraining = false;
  private whenIdle: (() => void) | undefined;

  constructor(
    private readonly settings: GatewaySettings,
    admission: Admission<Guest>,
    upstreams: Upstreams,
    recorder: RequestRecorder,
    logger: Logger,
  ) {
    this.clientLimits = { stallMs: settings.clientStallTimeoutMs, bufferBytes: settings.clientBufferBytes };
    const serviceTime = new ServiceTime();
    this.share = {
      settings,
      admission,
      serviceTime,
      usageRefusals: new UsageRefusals(),
      upstreams,
      recorder,
      logger,
      ended: (exchange) => this.forget(exchange),
    };
  }

  /** True from `announceDrain` on. */
  get leaving(): boolean {
    return this.isLeaving;
  }

  get maxBodyBytes(): number {
    return this.settings.maxBodyBytes;
  }

  /** Answers the request, now or later. */
  handle(arrival: Arrival, body: Buffer): void {
    const exchange = this.receive(arrival, body);
    if (this.isDraining) exchange.refuse(DRAINING, { close: true });
    else exchange.begin();
  }

  /** Answers a request that was refused before its body was read. It counts as received and failed. */
  handleRefused(arrival: Arrival, error: GatewayError): void {
    this.receive(arrival, NO_BODY).refuse(error, { close: true });
  }

  /** Counts a request whose client left while it was still sending the body. */
  handleAbandoned(arrival: Arrival): void {
    this.receive(arrival, NO_BODY).closed();
  }

  /** A mistake of our own costs the request alone in which it was made. */
  handleMistake({ answer }: Arrival, error: unknown): void {
    reportMistake(this.share.logger, error);
    answer.destroy();
  }

  /** Those who find room under the new limits are admitted at once; nobody is thrown out. */
  setLimits(limits: AdmissionLimits): void {
    for (const exchange of this.share.admission.setLimits(limits)) exchange.admit(performance.now());
  }

  /** What is in flight at this moment, the oldest first. */
  openRequests(): readonly OpenRequest[] {
    const nowMs = performance.now();
    const requests = this.open.contents().map((exchange) => exchange.describe(nowMs));
    return requests.toSorted((a, b) => b.age_seconds - a.age_seconds);
  }

  /** Cancels the open request of this id, and answers how it stood; undefined if there is none. */
  cancel(id: string): OpenRequest | undefined {
    const exchange = this.open.contents().find(({ eventId }) => eventId === id);
    const before = exchange?.describe(performance.now());
    exchange?.cancel();
    return before;
  }

  /** Whoever asks hears from now on that this gateway is going away. It still takes requests. */
  announceDrain(): void {
    this.isLeaving = true;
  }

  /** Refuses new requests, and resolves when the open ones have ended: by themselves, or because `deadlineMs` has passed. */
  async drain(deadlineMs: number): Promise<void> {
    this.announceDrain();
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

  private receive(arrival: Arrival, body: Buffer): InferenceExchange {
    const { operation, headers, target, answer, arrivedAtMs } = arrival;
    const requestId = clientRequestId(headers['x-request-id']) ?? randomUUID();
    const exchange = new InferenceExchange(
      this.share,
      {
        operation,
        headers,
        target,
        arrivedAtMs,
        body,
        facts: readRequestFacts(body, operation, headers['content-type']),
        requestId,
        eventId: this.ids.claim(requestId),
        tenant: this.tenantOf(arrival),
      },
      (listener) => new ClientAnswer(answer, this.clientLimits, listener),
    );
    this.open.add(exchange);
    return exchange;
  }

  /** The name of the client's key, else what its header says where its word is taken. */
  private tenantOf({ headers, socket, keyName }: Arrival): string | undefined {
    if (keyName !== undefined) return keyName;
    const { tenantHeader } = this.settings;
    const tenant = tenantHeader === undefined ? undefined : headers[tenantHeader];
    return typeof tenant === 'string' && TENANT.test(tenant) && this.isTrusted(socket) ? tenant : undefined;
  }

  private isTrusted({ remoteAddress = '', remoteFamily }: Socket): boolean {
    return this.settings.trustedPeers.check(remoteAddress, remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4');
  }

  private forget(exchange: InferenceExchange): void {
    this.open.remove(exchange);
    this.ids.release(exchange.eventId);
    if (this.open.size === 0) this.whenIdle?.();
  }
}
