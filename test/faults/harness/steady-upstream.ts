import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A model server without faults: every answer takes the same time. */
export class SteadyUpstream {
  static readonly ANSWER =
    '{"choices":[{"index":0,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}';
  /** The most requests that were inside together. */
  peak = 0;
  /** Requests that came. */
  received = 0;
  private inside = 0;
  private readonly server: Server;

  private constructor(serviceMs: number) {
    this.server = createServer((request, response) => {
      // Whoever only looks whether it is there does not wait, and does not count.
      const isProbe = request.url === '/health';
      if (!isProbe) this.enter(response);
      request.resume();
      setTimeout(
        () => {
          const headers = { 'content-type': 'application/json', 'content-length': SteadyUpstream.ANSWER.length };
          response.writeHead(200, headers).end(SteadyUpstream.ANSWER);
        },
        isProbe ? 0 : serviceMs,
      );
    });
  }

  static async start(serviceMs: number): Promise<SteadyUpstream> {
    const upstream = new SteadyUpstream(serviceMs);
    upstream.server.listen(0, '127.0.0.1');
    await once(upstream.server, 'listening');
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private enter(response: ServerResponse): void {
    this.received += 1;
    this.inside += 1;
    this.peak = Math.max(this.peak, this.inside);
    response.once('close', () => (this.inside -= 1));
  }
}
