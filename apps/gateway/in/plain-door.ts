import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { ClientConnection, type ConnectionKeeper, type PlainHost, type Sweepable } from './client-connection.js';

const SWEEP_MS = 1_000;

/** What Node's server knows, and its types leave out. */
interface HalfOpenServer {
  readonly httpAllowHalfOpen?: boolean;
}

/**
 * Stands before Node's HTTP server and serves the plainest requests, which are nearly all, without it: its parser, its streams and its events for
 * each request cost a good part of what passing one on costs. All else is for Node, which judges it.
 */
export class PlainDoor implements ConnectionKeeper {
  readonly keepAliveLines: string;
  readonly keepAliveSweeps: number;
  private readonly connections = new Set<Sweepable>();
  private readonly inside: readonly ((socket: Socket) => void)[];
  private isShut = false;

  /** Takes the place of whoever waits for the server's connections. */
  constructor(
    private readonly server: Server,
    host: PlainHost<unknown>,
  ) {
    const keepAliveSeconds = Math.floor(server.keepAliveTimeout / 1000);
    this.keepAliveLines = `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveSeconds}\r\n`;
    // Longer than promised, so that the last moment is not missed.
    this.keepAliveSweeps = keepAliveSeconds + 1;
    this.inside = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      if (this.isShut) this.pass(socket);
      else this.connections.add(new ClientConnection(socket, this, host));
    });
    const sweeps = setInterval(() => this.sweep(), SWEEP_MS).unref();
    server.once('close', () => clearInterval(sweeps));
  }

  /** Connections that are not Node's. */
  get size(): number {
    return this.connections.size;
  }

  get servesHalfClosed(): boolean {
    return (this.server as HalfOpenServer).httpAllowHalfOpen === true;
  }

  handOver(connection: Sweepable, socket: Socket, bytes: Buffer, hasEnded: boolean): void {
    this.connections.delete(connection);
    this.pass(socket);
    if (bytes.length > 0) socket.emit('data', bytes);
    if (hasEnded) socket.emit('end');
  }

  closed(connection: Sweepable): void {
    this.connections.delete(connection);
  }

  /** Ends the connections that are not Node's. Who comes now goes to Node, which knows when its server is to end. */
  shut(): void {
    this.isShut = true;
    for (const connection of this.connections) connection.destroy();
  }

  private pass(socket: Socket): void {
    for (const listener of this.inside) listener.call(this.server, socket);
  }

  private sweep(): void {
    for (const connection of this.connections) connection.sweep();
  }
}
