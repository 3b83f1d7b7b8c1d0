/** A 64-bit, non-cryptographic hash as 16 hexadecimal digits: two rounds of MurmurHash3's 32-bit mixing with different seeds. */
export function hashOf(text: string): string {
  return hex(mix(text, 0x9747b28c)) + hex(mix(text, 0x3c6ef372));
}

/** Combines hashes of a set in any order; combining the same hash twice removes it again. */
export function combine(a: string, b: string): string {
  return hex(half(a, 0) ^ half(b, 0)) + hex(half(a, 8) ^ half(b, 8));
}

export const NO_HASH = '0'.repeat(16);

function mix(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index += 1) {
    let k = Math.imul(text.charCodeAt(index), 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    hash ^= Math.imul(k, 0x1b873593);
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  hash ^= text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function half(hash: string, at: number): number {
  return Number.parseInt(hash.slice(at, at + 8), 16);
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
