import type { ServerResponse } from 'node:http';

/** How an exchange ended: answered in full, left by its client, or spoilt by a fault on demand. */
export type Outcome = 'finished' | 'aborted' | 'faulted';

/** One response on its way to a client. Reports its end exactly once, whoever ends it. */
export class Exchange {
  private outcome: Outcome | undefined;
  private silent = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly ended: (outcome: Outcome) => void,
  ) {
    response.once('close', () => this.settle('aborted'));
  }

  get isOver(): boolean {
    return this.outcome !== undefined;
  }

  /** True for an answer that will never go on by itself. */
  get isHung(): boolean {
    return this.silent && !this.isOver;
  }

  /** Begins an event stream and, unless its first frame is due already, sends the head at once. */
  openStream(sendNow: boolean): void {
    this.response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    if (sendNow) this.response.flushHeaders();
  }

  /** Begins a JSON answer that promises `length` bytes. */
  openJson(status: number, length: number, headers: Readonly<Record<string, string>> = {}): void {
    this.response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers });
  }

  /** False when the client does not keep up: go on at `onceDrained`. */
  write(data: string | Uint8Array): boolean {
    return data.length === 0 || this.response.write(data);
  }

  onceDrained(callback: () => void): void {
    this.response.once('drain', callback);
  }

  end(data: string | Uint8Array, outcome: Outcome): void {
    this.settle(outcome);
    this.response.end(data);
  }

  /** Sends `data`, then nothing more: only the client or the end of the server ends this. */
  hang(data: string | Uint8Array): void {
    this.silent = true;
    this.write(data);
  }

  /** Sends `data`, then a TCP reset. */
  reset(data: string | Uint8Array): void {
    this.settle('faulted');
    this.afterWriting(data, () => this.response.socket?.resetAndDestroy());
  }

  /** Sends `data`, then closes the connection in good order although more was promised. */
  cut(data: string | Uint8Array): void {
    this.settle('faulted');
    this.afterWriting(data, () => this.response.socket?.end());
  }

  /** Breaks the connection off: for a server that stops. */
  destroy(): void {
    this.response.destroy();
  }

  private afterWriting(data: string | Uint8Array, then: () => void): void {
    if (data.length === 0) then();
    else this.response.write(data, then);
  }

  private settle(outcome: Outcome): void {
    if (this.outcome !== undefined) return;
    this.outcome = outcome;
    this.ended(outcome);
  }
}
