import type { IncomingMessage } from 'node:http';

/** The body of a request, or why there is none. */
export type BodyOutcome = Buffer | 'too_large' | 'abandoned';

const NO_BODY = Buffer.alloc(0);

/**
 * Reads the body of a request, of at most `maxBytes`. Tells once: all of it, that it is too large (by the request's own account, before any of it
 * was read), or that the client has left before its end. What is too large goes on being received, for nothing, until the connection ends.
 */
export function readBody(request: IncomingMessage, maxBytes: number, tell: (outcome: BodyOutcome) => void): void {
  new BodyReader(request, maxBytes, tell).start();
}

class BodyReader {
  private readonly parts: Buffer[] = [];
  private bytes = 0;
  private isOver = false;

  constructor(
    private readonly request: IncomingMessage,
    private readonly maxBytes: number,
    private readonly tell: (outcome: BodyOutcome) => void,
  ) {}

  start(): void {
    const { request, maxBytes } = this;
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
      request.resume();
      return this.end('too_large');
    }
    request.on('data', (part: Buffer) => this.take(part));
    request.on('end', () => this.end(this.whole()));
    request.on('close', () => this.end('abandoned'));
  }

  private take(part: Buffer): void {
    if (this.isOver) return;
    this.bytes += part.length;
    if (this.bytes > this.maxBytes) return this.end('too_large');
    this.parts.push(part);
  }

  private whole(): Buffer {
    const { parts } = this;
    return parts.length > 1 ? Buffer.concat(parts) : (parts[0] ?? NO_BODY);
  }

  private end(outcome: BodyOutcome): void {
    if (this.isOver) return;
    this.isOver = true;
    this.tell(outcome);
  }
}
