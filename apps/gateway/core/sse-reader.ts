const LF = 0x0a;
const CR = 0x0d;

/** Longer frames are not read: nobody's tokens are that long, and holding them would cost memory. */
export const MAX_FRAME_BYTES = 1_048_576;

/** Called with the data of each frame (`data:` lines joined by line feeds). Answers whether the frame may go on to the client. */
export type FrameVisitor = (data: string) => boolean;

/** Takes the bytes that go on to the client, in order. */
export type BytesSink = (bytes: Buffer) => void;

export interface SseReaderOptions {
  /** Hold back unfinished frames, so that the visitor can drop whole ones; else every chunk passes at once and as it came. */
  readonly withhold: boolean;
  readonly maxFrameBytes?: number;
}

/**
 * Reads Server-Sent Events while their bytes pass. What it sees and what it passes on depend on the bytes alone, not on how they are cut
 * into chunks. It never rewrites: bytes pass as they came or, where the visitor refuses a frame, that frame is missing, its blank line
 * included. A frame that is longer than the limit ends all reading; everything from there on just passes.
 */
export class SseReader {
  /** The bytes of the unfinished frame, from earlier chunks. */
  private held: Buffer[] = [];
  private heldBytes = 0;
  private lineIsEmpty = true;
  private afterCr = false;
  private lastFrameKept = true;
  private isFirstFrame = true;
  private blind = false;
  private readonly withhold: boolean;
  private readonly maxFrameBytes: number;

  constructor(
    private readonly visit: FrameVisitor,
    private readonly pass: BytesSink,
    options: SseReaderOptions,
  ) {
    this.withhold = options.withhold;
    this.maxFrameBytes = options.maxFrameBytes ?? MAX_FRAME_BYTES;
  }

  /** True once a frame was too long to be read. */
  get gaveUp(): boolean {
    return this.blind;
  }

  push(chunk: Buffer): void {
    if (this.blind || !this.withhold) this.pass(chunk);
    if (!this.blind) this.read(chunk);
  }

  /** The stream is over: a last frame without its blank line counts too. */
  end(): void {
    if (this.blind || this.held.length === 0) return;
    const frame = Buffer.concat(this.held);
    this.held = [];
    this.heldBytes = 0;
    if (this.visitFrame(frame, 0, frame.length) && this.withhold) this.pass(frame);
  }

  private read(chunk: Buffer): void {
    const { length } = chunk;
    let at = 0;
    let frameStart = 0;
    let passedTo = 0;
    while (at < length) {
      const byte = chunk[at]!;
      at += 1;
      if (byte !== LF && byte !== CR) {
        this.lineIsEmpty = false;
        this.afterCr = false;
        while (at < length && chunk[at] !== LF && chunk[at] !== CR) at += 1;
      } else if (byte === LF && this.afterCr) {
        // The second half of a CRLF; after a blank line it still belongs to the frame before.
        this.afterCr = false;
        if (at - 1 !== frameStart || this.heldBytes > 0) continue;
        frameStart = at;
        if (!this.lastFrameKept) passedTo = at;
      } else {
        this.afterCr = byte === CR;
        if (!this.lineIsEmpty) {
          this.lineIsEmpty = true;
          continue;
        }
        if (this.heldBytes + at - frameStart > this.maxFrameBytes) return this.giveUp(chunk, passedTo);
        passedTo = this.finishFrame(chunk, frameStart, at, passedTo);
        frameStart = at;
      }
    }
    this.hold(chunk, frameStart, passedTo);
  }

  /** Visits the frame that ends at `end`; answers up to where the chunk's bytes are now settled. */
  private finishFrame(chunk: Buffer, start: number, end: number, passedTo: number): number {
    const held = this.held;
    if (held.length === 0) {
      this.lastFrameKept = this.visitFrame(chunk, start, end);
    } else {
      const frame = Buffer.concat([...held, chunk.subarray(0, end)]);
      this.held = [];
      this.heldBytes = 0;
      this.lastFrameKept = this.visitFrame(frame, 0, frame.length);
      if (this.lastFrameKept && this.withhold) for (const bytes of held) this.pass(bytes);
    }
    if (this.lastFrameKept) return passedTo;
    this.passRange(chunk, passedTo, start);
    return end;
  }

  /** Passes what is settled, and keeps the rest of the chunk until its frame is complete. */
  private hold(chunk: Buffer, frameStart: number, passedTo: number): void {
    const rest = chunk.length - frameStart;
    if (this.heldBytes + rest > this.maxFrameBytes) return this.giveUp(chunk, passedTo);
    this.passRange(chunk, passedTo, frameStart);
    if (rest === 0) return;
    this.held.push(frameStart === 0 ? chunk : chunk.subarray(frameStart));
    this.heldBytes += rest;
  }

  /** Passes what is there, and reads no more. */
  private giveUp(chunk: Buffer, passedTo: number): void {
    if (this.withhold) for (const bytes of this.held) this.pass(bytes);
    this.held = [];
    this.blind = true;
    this.passRange(chunk, passedTo, chunk.length);
  }

  private passRange(chunk: Buffer, start: number, end: number): void {
    if (!this.withhold || start >= end) return;
    this.pass(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
  }

  private visitFrame(bytes: Buffer, start: number, end: number): boolean {
    let text = bytes.toString('utf8', start, end);
    if (this.isFirstFrame && text.startsWith('\uFEFF')) text = text.slice(1);
    this.isFirstFrame = false;
    const data = dataOf(text);
    return data === undefined || this.visit(data);
  }
}

/** The data of a frame, or undefined if it has none (comments, retry hints). */
function dataOf(frame: string): string | undefined {
  // Nearly every frame is one data line and its blank line.
  const lineEnd = frame.length - 2;
  if (frame.startsWith('data:') && frame.indexOf('\n') === lineEnd && !frame.includes('\r')) {
    return frame.slice(frame.startsWith(' ', 5) ? 6 : 5, lineEnd);
  }
  const lines = frame.split(/\r\n|\n|\r/).filter((line) => line === 'data' || line.startsWith('data:'));
  return lines.length === 0 ? undefined : lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n');
}
