import { gunzipSync, gzipSync } from 'node:zlib';

/** Below this there is nothing to gain. */
const MIN_BYTES = 1_000;
/** No value of ours is larger than this. */
const MAX_BYTES = 16_000_000;
const GZIP = [0x1f, 0x8b] as const;

/** Makes a rollup's value smaller where it can: some milliseconds for the largest. */
export function pack(value: Uint8Array): Uint8Array {
  return value.byteLength < MIN_BYTES ? value : gzipSync(value, { level: 1 });
}

/** The inverse of `pack`. What cannot be unpacked is given back as it is: whoever reads it will find that it is nothing. */
export function unpack(value: Uint8Array): Uint8Array {
  if (value[0] !== GZIP[0] || value[1] !== GZIP[1]) return value;
  try {
    return gunzipSync(value, { maxOutputLength: MAX_BYTES });
  } catch {
    return value;
  }
}
