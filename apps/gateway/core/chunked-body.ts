import { BadAnswer } from './answer-head.js';

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const SPACE = 0x20;
const TAB = 0x09;

/** Digits of a chunk's size: 2^48 bytes and more are none that anybody sends. */
const MAX_SIZE_DIGITS = 12;
/** Of the extensions of one chunk, or of all trailers, in bytes. Nobody reads them. */
const MAX_NOTES_BYTES = 16_384;

/** Takes the data of a body, piece by piece. */
export interface DataSink {
  data(bytes: Buffer): void;
}

/** What the next byte belongs to. */
type Part = 'size' | 'extension' | 'size_end' | 'data' | 'data_cr' | 'data_lf' | 'line' | 'trailer' | 'trailer_end' | 'last_end' | 'done';

/** Takes a chunked body apart (RFC 9112, 7.1), wherever its bytes are cut. Extensions and trailers are passed over. */
export class ChunkedBody {
  private part: Part = 'size';
  private size = 0;
  private digits = 0;
  private notes = 0;

  get isDone(): boolean {
    return this.part === 'done';
  }

  /** Tells the data that is in `bytes` from `start` on, and answers where the body or `bytes` ended. Throws BadAnswer. */
  push(bytes: Buffer, start: number, sink: DataSink): number {
    let at = start;
    while (at < bytes.length && this.part !== 'done') {
      if (this.part === 'data') at = this.takeData(bytes, at, sink);
      else {
        this.take(bytes[at]!);
        at += 1;
      }
    }
    return at;
  }

  private takeData(bytes: Buffer, at: number, sink: DataSink): number {
    const end = Math.min(at + this.size, bytes.length);
    this.size -= end - at;
    if (this.size === 0) this.part = 'data_cr';
    sink.data(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    return end;
  }

  /** One byte around the data. */
  private take(byte: number): void {
    switch (this.part) {
      case 'size':
        return this.takeOfSize(byte);
      case 'extension':
        return byte === CR ? this.goTo('size_end') : this.passOver(byte);
      case 'size_end':
        return this.expect(byte, LF, this.size === 0 ? 'line' : 'data');
      case 'data_cr':
        return this.expect(byte, CR, 'data_lf');
      case 'data_lf':
        return this.beginChunk(byte);
      case 'line':
        return byte === CR ? this.goTo('last_end') : this.takeOfTrailer(byte);
      case 'trailer':
        return byte === CR ? this.goTo('trailer_end') : this.passOver(byte);
      case 'trailer_end':
        return this.expect(byte, LF, 'line');
      default:
        return this.expect(byte, LF, 'done');
    }
  }

  private beginChunk(byte: number): void {
    this.expect(byte, LF, 'size');
    this.digits = 0;
    this.notes = 0;
  }

  private takeOfSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.size = this.size * 16 + digit;
      this.digits += 1;
      if (this.digits > MAX_SIZE_DIGITS) throw new BadAnswer('a chunk is too large');
      return;
    }
    if (this.digits === 0) throw new BadAnswer('a chunk has no size');
    if (byte === CR) this.part = 'size_end';
    else if (byte === SEMICOLON || byte === SPACE || byte === TAB) this.part = 'extension';
    else throw new BadAnswer('the size of a chunk is no number');
  }

  private takeOfTrailer(byte: number): void {
    this.part = 'trailer';
    this.passOver(byte);
  }

  private passOver(byte: number): void {
    this.notes += 1;
    if (byte === LF || this.notes > MAX_NOTES_BYTES) throw new BadAnswer('a chunk has too much beside its data, or a bare line end');
  }

  private expect(byte: number, wanted: number, next: Part): void {
    if (byte !== wanted) throw new BadAnswer('a chunk does not end where its size says');
    this.part = next;
  }

  private goTo(next: Part): void {
    this.part = next;
  }
}

/** -1 if it is none. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
