const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** Kafka's 32-bit murmur2 (seed 0x9747b28c) of the first `length` bytes, as a signed integer. */
export function murmur2(bytes: Uint8Array, length: number = bytes.length): number {
  let hash = SEED ^ length;
  const whole = length & ~3;
  for (let at = 0; at < whole; at += 4) {
    // Within bounds: `at + 3 < whole <= length`, so the fallback never happens.
    let k =
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24);
    k = Math.imul(k, MULTIPLIER);
    k ^= k >>> 24;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(k, MULTIPLIER);
  }
  const rest = length & 3;
  if (rest === 3) hash ^= (bytes[whole + 2] ?? 0) << 16;
  if (rest >= 2) hash ^= (bytes[whole + 1] ?? 0) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (bytes[whole] ?? 0), MULTIPLIER);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MULTIPLIER);
  return hash ^ (hash >>> 15);
}

const scratch = Buffer.allocUnsafeSlow(256);

/** Puts a text of ASCII into the scratch; false when it is none, or too long. */
function inScratch(text: string): boolean {
  if (text.length > scratch.length) return false;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return false;
    scratch[i] = code;
  }
  return true;
}

/**
 * Partition of a key, as Kafka's default partitioner chooses it: murmur2 over the UTF-8 bytes,
 * positive, modulo `partitions` (at least 1).
 */
export function partitionFor(key: string, partitions: number): number {
  const hash = inScratch(key) ? murmur2(scratch, key.length) : murmur2(Buffer.from(key));
  return (hash & 0x7fffffff) % partitions;
}
