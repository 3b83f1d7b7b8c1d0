import { ENGINE_DEAD } from '../core/api-error.js';
import type { Fault } from '../core/faults.js';
import { DONE_FRAME, type FrameWriter } from '../core/frames.js';
import type { Progress } from '../core/progress.js';
import type { Exchange } from './exchange.js';
import type { Paced, Pacer } from './pacer.js';

/** Frames written in one go at most, so that one fast stream does not hold up the others. */
const MAX_FRAMES_A_TURN = 256;
/** Opening chunk and two tokens: a fault in mid-answer that leaves something to count. */
const DEFAULT_AFTER_CHUNKS = 3;
const CUTTING = new Set(['hang', 'reset', 'truncate', 'garbage', 'error_frame']);

/** Neither JSON nor, in part, UTF-8. */
export const GARBAGE = Buffer.concat([
  Buffer.from('data: {"id":"chatcmpl-","object":\n\ndata: }{\n\n'),
  Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28]),
  Buffer.from('\n\nevent\r\r\ndata\n\n'),
]);

/** Streams the frames of a plan at their times, and lets its fault strike where it should. Waits while the client does not read. */
export class StreamAnswer implements Paced {
  private framesOut = 0;
  private readonly cutAfter: number;

  constructor(
    private readonly exchange: Exchange,
    private readonly frames: FrameWriter,
    private readonly progress: Progress,
    private readonly pacer: Pacer,
    private readonly fault: Fault,
  ) {
    this.cutAfter = CUTTING.has(fault.fault) ? (fault.afterChunks ?? DEFAULT_AFTER_CHUNKS) : Infinity;
  }

  start(nowMs: number): void {
    this.exchange.openStream(this.progress.dueMs > nowMs);
    this.pacer.start(this, this.progress.dueMs);
  }

  run(nowMs: number): number | undefined {
    if (this.exchange.isOver) return undefined;
    const lastOfTurn = this.framesOut + MAX_FRAMES_A_TURN;
    let text = '';
    while (this.progress.dueMs <= nowMs && this.framesOut < lastOfTurn) {
      for (const frame of this.frames.framesOf(this.progress.step)) {
        if (this.framesOut === this.cutAfter) return this.strike(text);
        text += frame;
        this.framesOut += 1;
      }
      if (this.progress.isLast) return this.exchange.end(text, 'finished') as undefined;
      this.progress.advance();
    }
    if (this.exchange.write(text)) return this.progress.dueMs;
    this.exchange.onceDrained(() => this.pacer.start(this, this.progress.dueMs));
    return undefined;
  }

  private strike(text: string): undefined {
    const { fault } = this.fault;
    if (fault === 'hang') this.exchange.hang(text);
    else if (fault === 'reset') this.exchange.reset(text);
    else if (fault === 'truncate') this.exchange.end(text, 'faulted');
    else if (fault === 'garbage') this.exchange.end(Buffer.concat([Buffer.from(text), GARBAGE]), 'faulted');
    else this.exchange.end(`${text}data: ${JSON.stringify(ENGINE_DEAD.body)}\n\n${DONE_FRAME}`, 'faulted');
  }
}
