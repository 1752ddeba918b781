import { hash } from 'node:crypto';

/**
 * HMAC-SHA256 (RFC 2104) of short messages by two one-shot hashes. `createHmac` makes an object outside of
 * the heap for each message, which costs a small one three times what hashing it does.
 */
export interface ShortMac {
  /** Undefined when prefix and body are too long together: then the object costs less than the copy. */
  readonly of: (prefix: string, body: Uint8Array) => Buffer | undefined;
}

const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
/** Of prefix and body. */
const MESSAGE_BYTES_MAX = 8 * 1024;

/** Both are overwritten by every call, which is over before the next begins. */
const inner = Buffer.alloc(BLOCK_BYTES + MESSAGE_BYTES_MAX);
const outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES);

export function shortMac(key: Uint8Array): ShortMac {
  const block = Buffer.alloc(BLOCK_BYTES);
  if (key.length > BLOCK_BYTES) block.write(hash('sha256', key, 'hex'), 'hex');
  else block.set(key);
  const innerPad = block.map((byte) => byte ^ 0x36);
  const outerPad = block.map((byte) => byte ^ 0x5c);
  return {
    of: (prefix, body) => {
      if (prefix.length + body.length > MESSAGE_BYTES_MAX) return undefined;
      inner.set(innerPad);
      const at = BLOCK_BYTES + inner.write(prefix, BLOCK_BYTES, 'latin1');
      inner.set(body, at);
      outer.set(outerPad);
      outer.write(hash('sha256', inner.subarray(0, at + body.length), 'hex'), BLOCK_BYTES, 'hex');
      return Buffer.from(hash('sha256', outer, 'hex'), 'hex');
    },
  };
}
