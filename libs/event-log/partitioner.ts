/** The partition of a key: Kafka's default (murmur2 of the key's UTF-8 bytes, made positive, modulo the count), so that any Kafka client agrees. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions;
}

/** MurmurHash2 with Kafka's seed, as in `org.apache.kafka.common.utils.Utils.murmur2`. Returns a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const multiplier = 0x5bd1e995;
  const { length } = bytes;
  let hash = 0x9747b28c ^ length;
  const words = length >> 2;
  for (let word = 0; word < words; word += 1) {
    const at = word * 4;
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    k = Math.imul(k, multiplier);
    k ^= k >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(k, multiplier);
  }
  const tail = words * 4;
  switch (length & 3) {
    case 3:
      hash ^= bytes[tail + 2]! << 16;
    // falls through
    case 2:
      hash ^= bytes[tail + 1]! << 8;
    // falls through
    case 1:
      hash = Math.imul(hash ^ bytes[tail]!, multiplier);
      break;
    default:
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return (hash ^ (hash >>> 15)) | 0;
}
