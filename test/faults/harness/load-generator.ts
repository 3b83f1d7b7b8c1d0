import { setTimeout as wait } from 'node:timers/promises';
import { EventSource, type EventData, type GatewayHeartbeat } from '#libs/contracts';
import { Outbox, partitionOf, type EventLog, type OutboxOptions } from '#libs/event-log';
import { Ledger, type End, type Labels } from './ledger.js';
import type { Random } from './plan.js';

/** Where events go. */
export interface Target {
  readonly log: EventLog;
  readonly topic: string;
  readonly partitions: number;
  readonly outbox?: OutboxOptions;
}

interface OpenRequest {
  readonly id: string;
  readonly partition: number;
  readonly labels: Labels;
  readonly endsAtMs: number;
}

type Finish = 'io.inferometer.request.completed.v1' | 'io.inferometer.request.failed.v1' | 'io.inferometer.request.cancelled.v1';

const MODELS = ['alpha', 'beta', 'gamma'];
const TENANTS = ['red', 'blue'];
const TICK_MS = 10;
const BEAT_MS = 500;
/** More events than this waiting in memory, and a burst waits for the log. */
const MOST_QUEUED = 5_000;
const MOST_OPEN = 100;

/** Tells of requests as a gateway does, through an outbox, and keeps the ledger of all that it has told. */
export class LoadGenerator {
  readonly ledger = new Ledger();
  private readonly outbox: Outbox;
  private readonly open: OpenRequest[] = [];
  private readonly partitions: number;
  private readonly random: Random;
  private readonly name: string;
  private begun = 0;
  private ticker: NodeJS.Timeout | undefined;
  private beatAtMs = 0;

  /** `name` is the gateway's, and has to be unique in the topic. */
  constructor({ log, topic, partitions, outbox }: Target, random: Random, name: string) {
    this.outbox = new Outbox(log, topic, partitions, new EventSource(`/gateways/${name}`, `boot-${random.seed}`), outbox);
    this.partitions = partitions;
    this.random = random;
    this.name = name;
  }

  /** Events that were given up. */
  get dropped(): number {
    return this.outbox.dropped;
  }

  /** Events that wait for the log, in memory and on disk. */
  get waiting(): number {
    return this.outbox.queued + this.outbox.spooled;
  }

  /** As many requests as fast as the log takes them; some stay open. */
  async burst(requests: number): Promise<void> {
    for (let index = 0; index < requests; index += 1) {
      this.begin(0);
      if (this.open.length > MOST_OPEN) this.end(this.random.integer(0, this.open.length - 1));
      if (index % 100 === 0) await this.pace();
    }
  }

  /** About so many requests a second, until `stop`. */
  start(requestsPerSecond: number): void {
    let owed = 0;
    let lastMs = performance.now();
    this.ticker = setInterval(() => {
      const nowMs = performance.now();
      owed += ((nowMs - lastMs) * requestsPerSecond) / 1000;
      lastMs = nowMs;
      for (; owed >= 1; owed -= 1) this.begin(nowMs + this.random.integer(10, 300));
      for (let index = this.open.length - 1; index >= 0; index -= 1) if (this.open[index]!.endsAtMs <= nowMs) this.end(index);
      this.beat();
    }, TICK_MS);
  }

  /** Ends every open request and resolves when all is stored. */
  async stop(): Promise<void> {
    clearInterval(this.ticker);
    while (this.open.length > 0) this.end(this.open.length - 1);
    this.outbox.offerToEvery('io.inferometer.gateway.heartbeat.v1', this.name, this.heartbeat());
    await this.outbox.flush();
    await this.outbox.close();
  }

  private async pace(): Promise<void> {
    this.beat();
    await wait(0);
    while (this.outbox.queued > MOST_QUEUED) await wait(1);
  }

  private begin(endsAtMs: number): void {
    const id = `${this.name}-${(this.begun += 1)}`;
    const request = {
      id,
      partition: partitionOf(id, this.partitions),
      labels: { model: this.random.pick(MODELS), tenant: this.random.pick(TENANTS) },
      endsAtMs,
    };
    this.open.push(request);
    this.ledger.received(request.labels);
    const identity = identityOf(request);
    this.outbox.offerTo(request.partition, 'io.inferometer.request.received.v1', id, { ...identity, max_tokens: 100 });
    const started = { ...identity, queue_ms: this.random.integer(0, 50), upstream: '0' };
    this.outbox.offerTo(request.partition, 'io.inferometer.request.started.v1', id, started);
  }

  private end(index: number): void {
    const request = this.open[index]!;
    this.open[index] = this.open.at(-1)!;
    this.open.pop();
    const [input, output] = [this.random.integer(1, 2_000), this.random.integer(2, 900)];
    const { end, type, data } = this.finish();
    this.ledger.ended(request.labels, end, input, output);
    const durationMs = this.random.integer(20, 9_000);
    const outcome = {
      ...identityOf(request),
      ...data,
      queue_ms: 1,
      ttft_ms: durationMs / 4,
      decode_ms: durationMs / 2,
      duration_ms: durationMs,
      input_tokens: input,
      output_tokens: output,
      usage_source: 'upstream',
      chunks: output,
    };
    // Some clients name their trace, of several requests.
    const trace = index % 2 === 0 ? undefined : `00-${input.toString(16).padStart(32, '0')}-00000000000000ab-01`;
    this.outbox.offerTo(request.partition, type, request.id, outcome as EventData<Finish>, request.id, trace);
  }

  private finish(): { readonly end: End; readonly type: Finish; readonly data: object } {
    const dice = this.random.next();
    if (dice < 0.06) return { end: 'failed', type: 'io.inferometer.request.failed.v1', data: { error_type: 'upstream_error' } };
    if (dice < 0.12) return { end: 'cancelled', type: 'io.inferometer.request.cancelled.v1', data: { phase: 'streaming' } };
    return { end: 'successful', type: 'io.inferometer.request.completed.v1', data: { status_code: 200, finish_reason: 'stop' } };
  }

  private beat(): void {
    if (performance.now() - this.beatAtMs < BEAT_MS) return;
    this.beatAtMs = performance.now();
    this.outbox.offerToEvery('io.inferometer.gateway.heartbeat.v1', this.name, this.heartbeat());
  }

  private heartbeat(): GatewayHeartbeat {
    const gauges = { waiting: 0, running: this.open.length, peak_running: this.open.length, max_concurrent: 1000, max_queue: 0 };
    return { ...gauges, received_total: this.begun, spooled: this.outbox.spooled, dropped: this.dropped, version: 'test' };
  }
}

function identityOf({ id, labels }: OpenRequest) {
  return { request_id: id, operation: 'chat', model: labels.model, tenant: labels.tenant, stream: true };
}
