import type { ErrorType } from '#libs/contracts';
import { errorTypeOf } from './errors.js';
import { readJsonAnswer } from './json-answer.js';
import { Observation } from './observation.js';
import type { Operation } from './operations.js';
import type { BytesSink } from './sse-reader.js';
import { StreamTap } from './stream-tap.js';

/** What the head of an answer says of its body. */
export interface AnswerKind {
  readonly status: number;
  readonly contentType: string;
  readonly isEncoded: boolean;
}

export interface AnswerWatchOptions {
  /** Usage was asked for in the client's place, so the chunk that brings it is taken out. */
  readonly strip: boolean;
  /** Longer plain bodies pass unread. */
  readonly maxPlainBytes: number;
}

const STREAM_FAULTS = { open: 'stream_truncated', error: 'upstream_error', clean: undefined } as const;

/** Passes one answer on, reads from it what it tells, and judges how it ended. */
export class AnswerWatch {
  readonly seen: Observation;
  /** True if the client may get fewer bytes than came. */
  readonly shortens: boolean;
  private readonly tap: StreamTap | undefined;
  /** The body of a plain answer, to read it as a whole; undefined where it is not to be read. */
  private plain: Buffer[] | undefined;
  private plainBytes = 0;
  private hasEnded = false;

  constructor(
    private readonly operation: Operation,
    private readonly kind: AnswerKind,
    private readonly options: AnswerWatchOptions,
    private readonly pass: BytesSink,
  ) {
    const isReadable = operation.reading === 'tokens' && errorTypeOf(kind.status) === undefined && !kind.isEncoded;
    const isStream = isReadable && kind.contentType.startsWith('text/event-stream');
    this.shortens = isStream && options.strip;
    if (isStream) this.tap = new StreamTap(operation, options.strip, pass);
    else if (isReadable) this.plain = [];
    this.seen = this.tap?.seen ?? new Observation();
  }

  push(chunk: Buffer, nowMs: number): void {
    if (this.tap) return this.tap.push(chunk, nowMs);
    this.pass(chunk);
    if (!this.plain) return;
    this.plainBytes += chunk.length;
    if (this.plainBytes > this.options.maxPlainBytes) this.plain = undefined;
    else this.plain.push(chunk);
  }

  /** The body has come to its end by the rules of HTTP. */
  end(nowMs: number): void {
    this.hasEnded = true;
    this.tap?.end(nowMs);
    if (this.plain) readJsonAnswer(wholeOf(this.plain).toString(), this.operation, this.seen);
  }

  /** What the answer counts as when it has been handed over: undefined is a success. */
  get fault(): ErrorType | undefined {
    return errorTypeOf(this.kind.status) ?? (this.tap && STREAM_FAULTS[this.tap.seen.end]);
  }

  /** What it counts as when it breaks off. */
  get faultIfBroken(): ErrorType {
    return this.tap ? 'stream_truncated' : 'upstream_error';
  }

  /** True if what has been passed on decides how the request ended, whatever becomes of the connections. */
  get isDecided(): boolean {
    if (errorTypeOf(this.kind.status) !== undefined) return true;
    return this.tap !== undefined && (this.tap.seen.end !== 'open' || this.hasEnded);
  }
}

/** The parts in one piece, which a short body mostly is already. */
function wholeOf(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
