import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the upstream saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** True once its connection was closed before the answer was complete. */
  aborted: boolean;
}

export type Script = (request: SeenRequest, response: ServerResponse) => void;

/** A model server that does what a test tells it to, and remembers what it was asked. */
export class ScriptedUpstream {
  readonly seen: SeenRequest[] = [];
  /** Inference requests inside at this moment, and the most there ever were. */
  inside = 0;
  peak = 0;
  connections = 0;
  script: Script = (_request, response) => void response.writeHead(500).end();

  private constructor(private readonly server: Server) {
    server.on('connection', () => (this.connections += 1));
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.answer(request, response));
  }

  static async start(): Promise<ScriptedUpstream> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ScriptedUpstream(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    if (this.server.listening) await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method = '', url = '', headers } = request;
    if (url === '/health') return void response.end();
    const seen: SeenRequest = { method, url, headers, body: Buffer.concat(parts), aborted: false };
    this.seen.push(seen);
    this.inside += 1;
    this.peak = Math.max(this.peak, this.inside);
    response.once('close', () => {
      this.inside -= 1;
      seen.aborted = !response.writableFinished;
    });
    response.on('error', () => {});
    this.script(seen, response);
  }
}

/** A chunk of a chat stream. */
export function chatChunk(delta: object, rest: object = {}): string {
  const choices = [{ index: 0, delta, finish_reason: null, ...rest }];
  return `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`;
}

/** The chunk that holds nothing but usage. */
export function usageChunk(promptTokens: number, completionTokens: number): string {
  const usage = { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: promptTokens + completionTokens };
  return `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], usage })}\n\n`;
}

export const DONE = 'data: [DONE]\n\n';

export function startStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
}

/** Streams the words as vLLM does: a role-only chunk first, usage where it was asked for. */
export function streamWords(...words: string[]): Script {
  return (request, response) => {
    startStream(response);
    response.write(chatChunk({ role: 'assistant', content: '' }));
    for (const word of words) response.write(chatChunk({ content: word }));
    response.write(chatChunk({}, { finish_reason: 'stop' }));
    if (asksForUsage(request)) response.write(usageChunk(7, words.length));
    response.end(DONE);
  };
}

export function asksForUsage({ body }: SeenRequest): boolean {
  return (JSON.parse(body.toString()) as { stream_options?: { include_usage?: boolean } }).stream_options?.include_usage === true;
}

export function answerJson(value: unknown, status = 200): Script {
  return (_request, response) => {
    const body = JSON.stringify(value);
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
  };
}
