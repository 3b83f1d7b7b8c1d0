/** A line of a file, without its end. `bytes` is undefined for a line that is longer than allowed. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly bytes: Uint8Array | undefined;
}

const NEWLINE = 0x0a;

/** Cuts a file that comes in pieces into lines. Never holds more than one line, of at most `maxBytes`. */
export class LineSplitter {
  private parts: Uint8Array[] = [];
  private held = 0;
  private number = 0;

  constructor(private readonly maxBytes: number) {}

  /** The lines that end in `chunk`. They are valid for as long as the chunk is. */
  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.hold(chunk.subarray(start, end));
      lines.push(this.take());
      start = end + 1;
    }
    this.hold(chunk.subarray(start));
    return lines;
  }

  /** The last line, if the file does not end with a line end. */
  end(): Line[] {
    return this.held > 0 ? [this.take()] : [];
  }

  private hold(part: Uint8Array): void {
    if (part.length === 0) return;
    this.held += part.length;
    if (this.held <= this.maxBytes) this.parts.push(part);
    else this.parts = [];
  }

  private take(): Line {
    this.number += 1;
    const line = { number: this.number, bytes: this.held > this.maxBytes ? undefined : joined(this.parts, this.held) };
    this.parts = [];
    this.held = 0;
    return line;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
