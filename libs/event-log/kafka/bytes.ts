/** Writes what the Kafka protocol is made of into one growing buffer. Integers are big-endian. */
export class ByteWriter {
  private buffer = Buffer.allocUnsafe(512);
  private length = 0;

  /** What was written so far, without a copy. */
  get bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  int8(value: number): this {
    const at = this.room(1);
    this.buffer.writeInt8(value, at);
    return this;
  }

  int16(value: number): this {
    const at = this.room(2);
    this.buffer.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.room(4);
    this.buffer.writeInt32BE(value, at);
    return this;
  }

  int64(value: bigint): this {
    const at = this.room(8);
    this.buffer.writeBigInt64BE(value, at);
    return this;
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const length = Buffer.byteLength(value);
    this.int16(length);
    const at = this.room(length);
    this.buffer.write(value, at);
    return this;
  }

  bytesField(value: Uint8Array): this {
    this.int32(value.byteLength);
    return this.raw(value);
  }

  raw(value: Uint8Array): this {
    const at = this.room(value.byteLength);
    this.buffer.set(value, at);
    return this;
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  unsigned(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    return this.byte(rest);
  }

  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.unsigned(items.length + 1);
    for (const item of items) write(item);
    return this;
  }

  compactString(value: string | null): this {
    if (value === null) return this.unsigned(0);
    const length = Buffer.byteLength(value);
    this.unsigned(length + 1);
    const at = this.room(length);
    this.buffer.write(value, at);
    return this;
  }

  /** The end of a structure of a flexible version: no tagged fields. */
  noTags(): this {
    return this.unsigned(0);
  }

  private byte(value: number): this {
    const at = this.room(1);
    this.buffer[at] = value;
    return this;
  }

  /** Called before the buffer is touched: it may be replaced by a larger one. */
  private room(bytes: number): number {
    const at = this.length;
    this.length += bytes;
    if (this.length > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.length, this.buffer.length * 2));
      this.buffer.copy(larger, 0, 0, at);
      this.buffer = larger;
    }
    return at;
  }
}

/** Reads what ByteWriter writes. Throws RangeError past the end. Byte fields are views, not copies. */
export class ByteReader {
  private at = 0;

  constructor(private readonly buffer: Buffer) {}

  int8(): number {
    this.at += 1;
    return this.buffer.readInt8(this.at - 1);
  }

  int16(): number {
    this.at += 2;
    return this.buffer.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.buffer.readInt32BE(this.at - 4);
  }

  int64(): bigint {
    this.at += 8;
    return this.buffer.readBigInt64BE(this.at - 8);
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  string(): string {
    return this.nullableString() ?? '';
  }

  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.view(length).toString();
  }

  bytesField(): Buffer {
    return this.view(Math.max(0, this.int32()));
  }

  array<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read);
  }

  unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.buffer.readUInt8(this.at);
      this.at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  compactArray<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.unsigned() - 1) }, read);
  }

  compactString(): string {
    return this.compactBytes().toString();
  }

  compactBytes(): Buffer {
    return this.view(Math.max(0, this.unsigned() - 1));
  }

  /** The 128 bits of a topic's id, in hex. */
  uuid(): string {
    return this.view(16).toString('hex');
  }

  /** Tagged fields tell nothing that is needed here. */
  skipTags(): void {
    for (let left = this.unsigned(); left > 0; left -= 1) {
      this.unsigned();
      this.view(this.unsigned());
    }
  }

  private view(length: number): Buffer {
    const from = this.at;
    this.at += length;
    if (this.at > this.buffer.length) throw new RangeError('the answer of a broker ends too early');
    return this.buffer.subarray(from, this.at);
  }
}
