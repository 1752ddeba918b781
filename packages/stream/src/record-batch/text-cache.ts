/** Slots of the cache; short keys of 100 bytes would take 1.6 MB. */
const SLOTS = 1 << 14;
/** Longer texts rarely come again, and comparing them costs more than making them. */
const MAX_BYTES = 64;

/**
 * Texts made of bytes, remembered: keys come again and again, and a text that is the same object is
 * found faster in a Map. A slot holds the last ASCII text with its hash; others are made anew.
 */
export class TextCache {
  readonly #texts: string[] = Array.from({ length: SLOTS }, () => '');

  read(bytes: Buffer, start: number, length: number): string {
    if (length > MAX_BYTES || length <= 0)
      return bytes.toString('utf8', start, start + Math.max(length, 0));
    let hash = length;
    for (let i = 0; i < length; i += 1) hash = Math.imul(hash, 31) + (bytes[start + i] ?? 0);
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = this.#texts[slot] ?? '';
    if (isText(known, bytes, start, length)) return known;
    const text = bytes.toString('utf8', start, start + length);
    this.#texts[slot] = text;
    return text;
  }
}

/** Equal character codes and bytes mean ASCII: a byte over 127 is never a character by itself in UTF-8. */
function isText(known: string, bytes: Buffer, start: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i += 1) {
    const code = known.charCodeAt(i);
    if (code !== bytes[start + i] || code > 127) return false;
  }
  return true;
}
