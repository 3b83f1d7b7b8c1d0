import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
// @ts-expect-error: kafkajs ships no types for its inner files.
import Connection from 'kafkajs/src/network/connection.js';
// @ts-expect-error: kafkajs ships no types for its inner files.
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { EventLogOpenError } from '../event-log.js';
import type { Api } from './api.js';
import { ByteReader, ByteWriter } from './bytes.js';

/*
 * The one file that touches kafkajs (2.2.4, frozen and pinned). Used is its connection alone: framing, correlation of answers, SASL. What is known to be
 * wrong with the rest, and why it cannot happen here:
 *  1. producer (sequence numbers reused on a retry), 2. its quadratic grouping: not used; one request in flight per topic, retries included (appender.ts).
 *  3. the request queue's timer with a negative delay, for ever: mended below.
 *  4. to 9. consumer (no awaited rebalance, batches of lost partitions, heartbeats only between batches, round robin, own restarts): not used; see
 *     group-member.ts. Nothing here depends on transactions, or on committed offsets.
 * 10. offsets as strings: requests and answers are encoded and decoded by our own code (*-apis.ts), with bigint.
 */

interface KafkajsConnection {
  connect(): Promise<boolean>;
  disconnect(): Promise<boolean>;
  authenticate(): Promise<void>;
  setVersions(versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>): void;
  setSupportAuthenticationProtocol(supported: boolean): void;
  rejectRequests(error: Error): void;
  send(protocol: object): Promise<unknown>;
}

interface KafkajsRequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const KafkajsConnectionClass = Connection as new (options: object) => KafkajsConnection;
mendRequestQueue((RequestQueue as { prototype: KafkajsRequestQueue }).prototype);

/** Without this, every connection wakes up 870 times a second though nothing is pending, and Node warns of a negative timeout. */
function mendRequestQueue(queue: KafkajsRequestQueue): void {
  const schedule: () => void = Reflect.get(queue, 'scheduleCheckPendingRequests');
  queue.scheduleCheckPendingRequests = function scheduleIfPending(this: KafkajsRequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}

/** kafkajs writes nothing to the console: what goes wrong is in the rejections. */
const SILENCE = { namespace: () => SILENCE, debug() {}, info() {}, warn() {}, error() {} };

/** The versions of SaslHandshake and SaslAuthenticate that kafkajs may choose from. */
const SASL_VERSIONS = { 17: { minVersion: 0, maxVersion: 1 }, 36: { minVersion: 0, maxVersion: 1 } };
const CONNECT_TIMEOUT_MS = 3_000;
const CLIENT_ID = 'inferometer';

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** PEM certificates to trust; undefined: the system's. Without `tls`, in the clear. */
  readonly tls?: { readonly ca?: Buffer | undefined } | undefined;
  readonly sasl?: { readonly mechanism: string; readonly username: string; readonly password: string } | undefined;
}

/** One connection to one broker. Requests are answered in their order, so one that waits holds up those after it. */
export class BrokerConnection {
  private readonly connection: KafkajsConnection;
  private readonly address: string;
  private socket: Socket | undefined;
  private onEnd: () => void = () => {};
  private ended = false;

  private constructor(options: ConnectionOptions) {
    this.address = `${options.host}:${options.port}`;
    this.connection = new KafkajsConnectionClass({
      host: options.host,
      port: options.port,
      ssl: options.tls ? { ...options.tls } : null,
      sasl: options.sasl ? { ...options.sasl } : null,
      clientId: CLIENT_ID,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: CONNECT_TIMEOUT_MS,
      enforceRequestTimeout: false,
      logger: SILENCE,
      socketFactory: (to: SocketTo) => this.openSocket(to),
    });
  }

  /** Connects and logs in. Rejects with EventLogOpenError if the operator has to mend something, else with a plain Error. */
  static async open(options: ConnectionOptions): Promise<BrokerConnection> {
    const connection = new BrokerConnection(options);
    const timer = setTimeout(() => connection.close(new Error(`${connection.address} does not log us in in time`)), 2 * CONNECT_TIMEOUT_MS);
    try {
      await connection.start();
      return connection;
    } catch (error) {
      connection.close();
      throw translated(error, connection.address);
    } finally {
      clearTimeout(timer);
    }
  }

  /** `listener` is called once, when the connection has ended, for whatever reason. */
  whenEnded(listener: () => void): void {
    this.onEnd = listener;
    if (this.ended) listener();
  }

  /** A request that is not answered in time ends the connection: answers come in order, so nothing behind it would be answered either. */
  async request<Request, Answer>(api: Api<Request, Answer>, request: Request, timeoutMs: number): Promise<Answer> {
    const timer = setTimeout(() => this.close(new Error(`${this.address} does not answer ${api.name} in time`)), timeoutMs);
    try {
      return (await this.connection.send(protocolOf(api, request))) as Answer;
    } catch (error) {
      throw translated(error, this.address);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it at once; requests in flight reject. */
  close(cause = new Error(`the connection to ${this.address} was closed`)): void {
    this.connection.rejectRequests(cause);
    void this.connection.disconnect();
    this.socket?.destroy();
    this.end();
  }

  private async start(): Promise<void> {
    await this.connection.connect();
    this.connection.setVersions(SASL_VERSIONS);
    this.connection.setSupportAuthenticationProtocol(true);
    await this.connection.authenticate();
  }

  private openSocket({ host, port, ssl, onConnect }: SocketTo): Socket {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = ssl ? connectTls({ host, port, ...servername, ...ssl }, onConnect) : connectTcp({ host, port }, onConnect);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.once('close', () => this.close());
    this.socket = socket;
    return socket;
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.onEnd();
  }
}

interface SocketTo {
  readonly host: string;
  readonly port: number;
  readonly ssl: { readonly ca?: Buffer } | null;
  readonly onConnect: () => void;
}

function protocolOf<Request, Answer>(api: Api<Request, Answer>, request: Request): object {
  return {
    request: { apiKey: api.key, apiVersion: api.version, apiName: api.name, encode: async () => encoded(api, request) },
    response: {
      decode: async (payload: Buffer) => ({ clientSideThrottleTime: null, answer: decoded(api, payload) }),
      parse: async ({ answer }: { answer: Answer }) => answer,
    },
    logResponseError: false,
  };
}

/** What kafkajs asks of an encoder: the buffer, twice. Flexible versions have tagged fields after the header, too. */
function encoded<Request, Answer>(api: Api<Request, Answer>, request: Request): { buf: Buffer; buffer: Buffer } {
  const to = new ByteWriter();
  if (api.flexible) to.noTags();
  api.encode(to, request);
  return { buf: to.bytes, buffer: to.bytes };
}

function decoded<Request, Answer>(api: Api<Request, Answer>, payload: Buffer): Answer {
  const from = new ByteReader(payload);
  if (api.flexible) from.skipTags();
  return api.decode(from);
}

const BAD_CERTIFICATE = /CERT|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/;

/** Messages of kafkajs hold neither passwords nor records; those of SASL are replaced all the same. */
function translated(cause: unknown, address: string): Error {
  if (!(cause instanceof Error) || cause instanceof EventLogOpenError) return cause as Error;
  const { code, type } = cause as { code?: unknown; type?: unknown };
  if (cause.name === 'KafkaJSSASLAuthenticationError' || type === 'UNSUPPORTED_SASL_MECHANISM' || type === 'SASL_AUTHENTICATION_FAILED') {
    return new EventLogOpenError(
      `${address} refuses the user, the password or the mechanism: see EVENT_LOG_SASL_MECHANISM, _USERNAME and _PASSWORD`,
    );
  }
  if (typeof code === 'string' && BAD_CERTIFICATE.test(code)) {
    return new EventLogOpenError(`no TLS with ${address} (${code}): see EVENT_LOG_TLS and EVENT_LOG_TLS_CA_FILE`);
  }
  return cause.name.startsWith('KafkaJS') ? new Error(`${address}: ${cause.message}`) : cause;
}
