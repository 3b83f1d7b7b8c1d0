/** Grows as needed; a varint holds a whole number from 0 to 2⁵³ − 1 in one to eight bytes, seven bits each, the lowest first. */
export class ByteWriter {
  private bytes = new Uint8Array(64);
  private length = 0;

  byte(value: number): void {
    if (this.length === this.bytes.length) this.grow();
    this.bytes[this.length] = value;
    this.length += 1;
  }

  varint(value: number): void {
    let rest = value;
    // Past 2³¹ only division is right; below it the bit operations are several times faster.
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) this.byte((rest % 128) + 128);
    for (; rest >= 128; rest >>>= 7) this.byte((rest & 127) | 128);
    this.byte(rest);
  }

  double(value: number): void {
    if (this.length + 8 > this.bytes.length) this.grow();
    new DataView(this.bytes.buffer).setFloat64(this.length, value);
    this.length += 8;
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private grow(): void {
    const wider = new Uint8Array(this.bytes.length * 2);
    wider.set(this.bytes);
    this.bytes = wider;
  }
}

/** Reads what ByteWriter wrote. Every method throws RangeError where the bytes end too early or are not what the writer would give. */
export class ByteReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw new RangeError('the bytes end too early');
    this.at += 1;
    return value;
  }

  varint(): number {
    let byte = this.byte();
    let value = byte & 127;
    for (let scale = 128; byte >= 128; scale *= 128) {
      byte = this.byte();
      value += (byte & 127) * scale;
      if (byte === 0 || !(value <= Number.MAX_SAFE_INTEGER)) throw new RangeError('not a number that a sketch has');
    }
    return value;
  }

  double(): number {
    if (this.at + 8 > this.bytes.length) throw new RangeError('the bytes end too early');
    const value = new DataView(this.bytes.buffer, this.bytes.byteOffset).getFloat64(this.at);
    this.at += 8;
    return value;
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new RangeError('more bytes than a sketch has');
  }
}
