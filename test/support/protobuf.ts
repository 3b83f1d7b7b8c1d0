/** A field of a protobuf message: varints and fixed64 as bigint, what is length-delimited as bytes. */
export interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** The fields of a message in the order in which they stand. Throws for what is not the wire format, and for its groups. */
export function fieldsOf(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.byteLength) {
    const tag = Number(varint());
    const number = tag >> 3;
    const kind = tag & 7;
    if (kind === 0) fields.push({ number, value: varint() });
    else if (kind === 1) {
      fields.push({ number, value: view.getBigUint64(at, true) });
      at += 8;
    } else if (kind === 2) {
      const length = Number(varint());
      if (at + length > bytes.byteLength) throw new Error('a field that goes beyond its message');
      fields.push({ number, value: bytes.subarray(at, at + length) });
      at += length;
    } else throw new Error(`wire type ${kind}`);
  }
  return fields;
}

/** The messages in all fields of that number. */
export function messagesAt(bytes: Uint8Array, number: number): readonly Uint8Array[] {
  return fieldsOf(bytes).flatMap((field) => (field.number === number && field.value instanceof Uint8Array ? [field.value] : []));
}

/** The text in the first field of that number; empty where there is none. */
export function textAt(bytes: Uint8Array, number: number): string {
  return Buffer.from(messagesAt(bytes, number)[0] ?? []).toString('utf8');
}

/** The double in the first field of that number; 0 where there is none. */
export function doubleAt(bytes: Uint8Array, number: number): number {
  const bits = fieldsOf(bytes).find((field) => field.number === number)?.value;
  return typeof bits === 'bigint' ? new Float64Array(new BigUint64Array([bits]).buffer)[0]! : 0;
}

/** The packed fixed64 numbers in the first field of that number. */
export function packedAt(bytes: Uint8Array, number: number): readonly bigint[] {
  const packed = messagesAt(bytes, number)[0] ?? new Uint8Array();
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  return Array.from({ length: packed.byteLength / 8 }, (_unused, index) => view.getBigUint64(8 * index, true));
}
