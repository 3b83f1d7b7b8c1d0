/**
 * A 64-bit, non-cryptographic hash as 16 hexadecimal digits: MurmurHash3's 32-bit mixing with two seeds. Stored rollups hold its values:
 * they must stay as they are.
 */
export function hashOf(text: string): string {
  let [one, other] = [0x9747b28c, 0x3c6ef372];
  for (let index = 0; index < text.length; index += 1) {
    const scattered = Math.imul(text.charCodeAt(index), 0xcc9e2d51);
    const k = Math.imul((scattered << 15) | (scattered >>> 17), 0x1b873593);
    one = mixed(one ^ k);
    other = mixed(other ^ k);
  }
  return finished(one, text.length) + finished(other, text.length);
}

function mixed(hash: number): number {
  return (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
}

function finished(mixture: number, length: number): string {
  let hash = mixture ^ length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0).toString(16).padStart(8, '0');
}
