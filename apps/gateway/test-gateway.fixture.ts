import { request as httpRequest, type IncomingMessage } from 'node:http';
import { decodeEvent, topicsOf, type EventData, type EventOf, type EventType, type InferometerEvent } from '#libs/contracts';
import { openEventLog, type EventLog, type Following } from '#libs/event-log';
import { Logger, SettingsReader } from '#libs/runtime';
import { startGateway, type RunningGateway } from './app.js';
import { gatewaySettings, type SpoolSettings } from './settings.js';

const DEADLINE_MS = 10_000;

export interface TestGatewayOptions {
  /** What the gateway is given in place of the log. */
  readonly wrap?: (log: EventLog) => EventLog;
  readonly spool?: SpoolSettings;
  /** Of the topic of requests. */
  readonly partitions?: number;
  /** A log that an earlier gateway has used; it is not closed. */
  readonly on?: EventLog;
}

/** A running gateway on a memory log, with everything that it has told. */
export class TestGateway {
  readonly events: InferometerEvent[] = [];

  private constructor(
    private readonly app: RunningGateway,
    private readonly log: EventLog | undefined,
    private readonly following: Following,
    readonly logLines: readonly string[],
    events: InferometerEvent[],
  ) {
    this.events = events;
  }

  /** `slowDown` may hold up what the gateway stores. */
  static async start(
    upstreamUrl: string,
    env: Record<string, string> = {},
    slowDown: (log: EventLog) => void = () => {},
    { wrap = (log) => log, spool, partitions, on }: TestGatewayOptions = {},
  ): Promise<TestGateway> {
    const log = on ?? (await openEventLog('memory:'));
    slowDown(log);
    const topics = topicsOf();
    if (partitions !== undefined) await log.ensureTopics([{ ...topics.requests, partitions }]);
    await log.ensureTopics(Object.values(topics));
    const events: InferometerEvent[] = [];
    const following = await log.follow(topics.requests.name, 'beginning', {
      records: (_partition, records) => {
        for (const record of records) events.push(decoded(record.value));
      },
    });
    const lines: string[] = [];
    const read = new SettingsReader({ UPSTREAM_URL: upstreamUrl, GATEWAY_ID: 'g1', PORT: '0', ...env });
    const logger = new Logger('gateway', 'debug', (line) => lines.push(line));
    const app = await startGateway({ ...gatewaySettings(read), spool }, wrap(log), logger);
    return new TestGateway(app, on ? undefined : log, following, lines, events);
  }

  get url(): string {
    return this.app.url;
  }

  drain(): Promise<void> {
    return this.app.drain();
  }

  reload(): void {
    this.app.reload();
  }

  async close(): Promise<void> {
    await this.following.close();
    await this.log?.close();
  }

  ofType<T extends EventType>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> & InferometerEvent => event.type === type);
  }

  /** Events of requests, without heartbeats, in the order of the log per request. */
  lifecycle(requestId: string): string[] {
    const ofRequest = this.events.filter(({ subject }) => subject === requestId);
    return ofRequest.map(({ type }) => type.split('.')[3]!);
  }

  /** The one terminal event of the only request, once it is there. */
  async terminal(count = 1): Promise<InferometerEvent> {
    return (await this.terminals(count))[0]!;
  }

  async terminals(count: number): Promise<InferometerEvent[]> {
    await until(
      () => this.events.filter(isTerminal).length >= count,
      () => `${count} terminal events; got ${JSON.stringify(this.events)}`,
    );
    return this.events.filter(isTerminal);
  }

  async completed(): Promise<EventData<'io.inferometer.request.completed.v1'>> {
    return dataOf(await this.terminal(), 'io.inferometer.request.completed.v1');
  }

  async failed(): Promise<EventData<'io.inferometer.request.failed.v1'>> {
    return dataOf(await this.terminal(), 'io.inferometer.request.failed.v1');
  }

  async cancelled(): Promise<EventData<'io.inferometer.request.cancelled.v1'>> {
    return dataOf(await this.terminal(), 'io.inferometer.request.cancelled.v1');
  }
}

function isTerminal({ type }: InferometerEvent): boolean {
  return /\.(completed|failed|cancelled)\.v1$/.test(type);
}

function decoded(value: Uint8Array | null): InferometerEvent {
  const event = decodeEvent(value);
  if (!event.ok) throw new Error(`an event that cannot be decoded: ${event.reason}, ${event.detail}`);
  return event.value;
}

export function dataOf<T extends EventType>(event: InferometerEvent, type: T): EventData<T> {
  if (event.type !== type) throw new Error(`expected ${type}, got ${event.type}: ${JSON.stringify(event.data)}`);
  return event.data as EventData<T>;
}

/** Waits for a condition that other parts of the process bring about. */
export async function until(condition: () => boolean, what: () => string): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain for ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** False if the connection was cut before the body's end. */
  readonly complete: boolean;
}

export interface Sent {
  readonly answer: Promise<Answer>;
  /** Resolves with the first bytes of the body. */
  readonly firstBytes: Promise<Buffer>;
  hangUp(): void;
}

/** Sends a request on a connection of its own; `answer` rejects only if there was no head. */
export function send(url: string, options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {}): Sent {
  const { method = 'POST', headers = { 'content-type': 'application/json' }, body } = options;
  const request = httpRequest(url, { method, headers, agent: false });
  const first = Promise.withResolvers<Buffer>();
  first.promise.catch(() => {});
  const answer = new Promise<Answer>((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => {
        parts.push(part);
        first.resolve(part);
      });
      response.on('error', () => {});
      response.once('close', () => {
        const { statusCode = 0, rawHeaders } = response;
        resolve({ status: statusCode, headers: response.headers, rawHeaders, body: Buffer.concat(parts), complete: response.complete });
      });
    });
  });
  answer.catch(() => {});
  request.end(body);
  return { answer, firstBytes: first.promise, hangUp: () => request.destroy() };
}

export function chatBody(rest: object = {}): string {
  return JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...rest });
}
