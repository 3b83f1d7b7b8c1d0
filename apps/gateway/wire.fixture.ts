import { createConnection } from 'node:net';
import { until } from './test-gateway.fixture.js';

/** A header line that makes a request Node's: without it, a plain one is served on the socket. */
export const NODES_WAY = 'te: trailers\r\n';

/** A connection on which bytes can be sent as they are. */
export class Wire {
  received = '';
  isClosed = false;
  readonly socket;

  constructor(url: string) {
    this.socket = createConnection(Number(new URL(url).port), '127.0.0.1');
    this.socket.on('data', (bytes) => (this.received += bytes.toString('latin1')));
    this.socket.on('error', () => {});
    this.socket.once('close', () => (this.isClosed = true));
  }

  send(text: string): this {
    this.socket.write(text);
    return this;
  }

  async receives(pattern: RegExp): Promise<string> {
    await until(
      () => pattern.test(this.received),
      () => `${pattern}; got ${this.received}`,
    );
    return this.received;
  }

  async closes(): Promise<string> {
    await until(
      () => this.isClosed,
      () => `the end of a connection that got ${this.received}`,
    );
    return this.received;
  }

  hangUp(): void {
    this.socket.destroy();
  }
}
