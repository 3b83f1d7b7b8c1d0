import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';

const PROBE_EVERY_MS = 50;

/** A load balancer as small as can be. It sends requests to those that are ready, in turn, each on a connection of its own, and never twice. */
export class Balancer {
  private readonly ready = new Set<string>();
  private readonly all = new Set<string>();
  private readonly server: Server;
  private readonly probe: NodeJS.Timeout;
  private turn = 0;

  private constructor() {
    this.server = createServer((incoming, response) => void this.serve(incoming, response));
    this.probe = setInterval(() => {
      for (const url of this.all) void this.look(url);
    }, PROBE_EVERY_MS);
  }

  static async start(): Promise<Balancer> {
    const balancer = new Balancer();
    balancer.server.listen(0, '127.0.0.1');
    await once(balancer.server, 'listening');
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Those that are ready now. */
  get readyUrls(): readonly string[] {
    return [...this.ready];
  }

  /** From now on it is looked after. */
  add(url: string): void {
    this.all.add(url);
  }

  remove(url: string): void {
    this.all.delete(url);
    this.ready.delete(url);
  }

  close(): void {
    clearInterval(this.probe);
    this.server.close();
    this.server.closeAllConnections();
  }

  private async look(url: string): Promise<void> {
    const isReady = await request(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) }).then(
      async ({ statusCode, body }) => {
        await body.dump();
        return statusCode === 200;
      },
      () => false,
    );
    if (isReady && this.all.has(url)) this.ready.add(url);
    else this.ready.delete(url);
  }

  private async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const urls = this.readyUrls;
    const url = urls[(this.turn += 1) % urls.length];
    if (url === undefined) response.writeHead(502).end();
    else passOn(url, incoming, body, response);
  }
}

function passOn(url: string, { method = '', headers, url: target = '' }: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const outgoing = httpRequest(url + target, { method, headers: { ...headers, connection: 'close' }, agent: false });
  outgoing.once('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
  outgoing.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
    answer.once('error', () => response.destroy());
  });
  outgoing.end(body);
}
