import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { MANNERS, type Answering, type Manner } from './manners.js';
import type { Random } from './plan.js';

/** One request as the upstream saw it; times by `performance.now()`. */
export interface Sighting extends Answering {
  readonly manner: Manner;
  closedAtMs: number | undefined;
  /** The whole answer was handed over. */
  isDone: boolean;
}

const RETURN_DEADLINE_MS = 10_000;

/** A model server of which each request says how it is to be treated (`"manner"` in its body), and that keeps account of all of them. */
export class FaultyUpstream {
  /** By request id: more than one where a request was sent again. */
  readonly sightings = new Map<string, Sighting[]>();
  /** When nobody listened, from and to. */
  readonly outages: { readonly fromMs: number; toMs: number }[] = [];
  private server: Server;
  private port = 0;
  private arrivals = 0;
  private readonly open = new Set<number>();
  private readonly idle = new Set<Socket>();
  private greatest = 0;
  private readonly random: Random;

  private constructor(random: Random) {
    this.random = random;
    this.server = this.newServer();
  }

  static async start(random: Random): Promise<FaultyUpstream> {
    const upstream = new FaultyUpstream(random);
    upstream.server.listen(0, '127.0.0.1');
    await once(upstream.server, 'listening');
    upstream.port = (upstream.server.address() as AddressInfo).port;
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Requests that are inside now. */
  get inUse(): number {
    return this.open.size;
  }

  /**
   * The most requests that were inside together. A request counts the others when everything that had happened before it has been seen:
   * the end of an older connection may stand behind it in the line of this process.
   */
  get peak(): number {
    return this.greatest;
  }

  /** Resolves when no request of this id is inside. */
  async left(id: string, deadlineMs = 30_000): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    while (this.sightings.get(id)?.some(({ closedAtMs }) => closedAtMs === undefined)) {
      if (performance.now() > deadline) throw new Error(`${id} is still at the upstream`);
      await wait(5);
    }
  }

  /** Refuses connections for so long. Requests that are inside go on. */
  async goAway(forMs: number): Promise<void> {
    const outage = { fromMs: performance.now(), toMs: Infinity };
    this.outages.push(outage);
    // Not as HTTP servers close: they would also break off answers that are complete here and still on their way.
    NetServer.prototype.close.call(this.server);
    for (const socket of this.idle) socket.destroy();
    await wait(forMs);
    const deadline = performance.now() + RETURN_DEADLINE_MS;
    while (!(await this.returns())) {
      if (performance.now() > deadline) throw new Error(`port ${this.port} is taken`);
      await wait(5);
    }
    outage.toMs = performance.now();
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** False while somebody's outgoing connection happens to have our port. */
  private returns(): Promise<boolean> {
    const server = this.newServer();
    this.server = server;
    return new Promise((resolve) => {
      server.once('listening', () => resolve(true)).once('error', () => resolve(false));
      server.listen(this.port, '127.0.0.1');
    });
  }

  private newServer(): Server {
    const server = createServer((request, response) => void this.receive(request, response));
    server.on('connection', (socket: Socket) => {
      this.idle.add(socket);
      socket.once('close', () => this.idle.delete(socket));
    });
    return server;
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {});
    request.on('error', () => {});
    if (request.url === '/health') return void response.end();
    const number = (this.arrivals += 1);
    const { socket } = request;
    this.open.add(number);
    this.idle.delete(socket);
    setImmediate(() => setImmediate(() => this.count(number)));
    const closed = new Promise((resolve) => response.once('close', resolve));
    const body = await textOf(request);
    const sighting = body === undefined ? undefined : this.see(request, response, body);
    if (sighting) void MANNERS[sighting.manner](sighting);
    await closed;
    this.open.delete(number);
    if (!socket.destroyed) this.idle.add(socket);
    if (!sighting) return;
    sighting.closedAtMs = performance.now();
    sighting.isDone = response.writableFinished;
  }

  private count(number: number): void {
    const inside = [...this.open].filter((other) => other <= number).length;
    this.greatest = Math.max(this.greatest, inside);
  }

  private see({ headers }: IncomingMessage, response: ServerResponse, body: string): Sighting {
    const { manner, stream_options: options } = JSON.parse(body) as { manner: Manner; stream_options?: { include_usage?: boolean } };
    const seen: Sighting = {
      manner,
      response,
      asksForUsage: options?.include_usage === true,
      dice: this.random.next(),
      wroteToken: false,
      cutHere: false,
      closedAtMs: undefined,
      isDone: false,
    };
    const id = String(headers['x-request-id']);
    this.sightings.set(id, [...(this.sightings.get(id) ?? []), seen]);
    return seen;
  }
}

/** The body, or undefined if it broke off. */
async function textOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  try {
    for await (const part of request) parts.push(part as Buffer);
  } catch {
    return undefined;
  }
  return Buffer.concat(parts).toString();
}
