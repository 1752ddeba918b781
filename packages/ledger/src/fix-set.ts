/** Bytes kept of an event id: of 10 million fixes of one unit-hour, two would collide with odds of 3 in a million. */
export const PREFIX_BYTES = 8;

/** The prefix of a hex event id, as it stands in the set. */
export function fixPrefix(eventId: string): Buffer {
  return Buffer.from(eventId.slice(0, PREFIX_BYTES * 2), 'hex');
}

/** Index of the first prefix that is not smaller than `prefix`, and whether it is equal. */
function search(set: Buffer, prefix: Buffer): { index: number; found: boolean } {
  let low = 0;
  let high = set.length / PREFIX_BYTES;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = middle * PREFIX_BYTES;
    const order = set.compare(prefix, 0, PREFIX_BYTES, at, at + PREFIX_BYTES);
    if (order === 0) return { index: middle, found: true };
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return { index: low, found: false };
}

/** Positions in `ids` whose prefix the set lacked (first of each), and the set with them, sorted. */
export function addToSet(
  set: Buffer,
  ids: readonly string[],
): { readonly set: Buffer; readonly added: readonly number[] } {
  const added: number[] = [];
  const fresh = new Map<string, { index: number; prefix: Buffer }>();
  for (const [position, id] of ids.entries()) {
    const text = id.slice(0, PREFIX_BYTES * 2);
    if (fresh.has(text)) continue;
    const prefix = fixPrefix(id);
    const { index, found } = search(set, prefix);
    if (found) continue;
    added.push(position);
    fresh.set(text, { index, prefix });
  }
  if (fresh.size === 0) return { set, added };
  const inserts = [...fresh.values()].sort((a, b) => Buffer.compare(a.prefix, b.prefix));
  const pieces: Buffer[] = [];
  let from = 0;
  for (const { index, prefix } of inserts) {
    pieces.push(set.subarray(from, index * PREFIX_BYTES), prefix);
    from = index * PREFIX_BYTES;
  }
  pieces.push(set.subarray(from));
  return { set: Buffer.concat(pieces), added };
}
