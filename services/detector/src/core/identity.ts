import { fixPlace } from '@waybill/domain';

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finished(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * One of two 32-bit words that stand for the identity of a fix within its unit: device second and rounded
 * position, which is what `event_id` is made of. MurmurHash3 over three words; cheap enough to be made
 * again instead of kept: 16 bytes of `event_id` would be two thirds of a packed fix.
 */
function identityWord(seed: number, second: number, latitude: number, longitude: number): number {
  const low = mix(mix(seed, second | 0), Math.floor(second / 0x1_0000_0000));
  return finished(mix(mix(low, latitude), longitude));
}

function identityOf(
  seed: number,
  time: number,
  latitude: number | undefined,
  longitude: number | undefined,
): number {
  // No position has a latitude of 200 degrees.
  const y = latitude === undefined ? 20_000_000 : fixPlace(latitude);
  const x = longitude === undefined ? 0 : fixPlace(longitude);
  return identityWord(seed, Math.floor(time / 1000), y, x);
}

/** What `event_id` says: the high one of two unsigned words. A fix without a position is told by its second. */
export function idHighOf(
  time: number,
  latitude: number | undefined,
  longitude: number | undefined,
): number {
  return identityOf(0x2545_f491, time, latitude, longitude);
}

/** The low one; see `idHighOf`. */
export function idLowOf(
  time: number,
  latitude: number | undefined,
  longitude: number | undefined,
): number {
  return identityOf(0x9e37_79b9, time, latitude, longitude);
}
