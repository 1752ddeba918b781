import type { SecretStore } from '../ports.ts';

/** How long a value is used before it is read again; so long an old secret still opens after a change. */
export const SECRET_AGE_MS = 1000;

interface Read {
  readonly value: Promise<string>;
  readonly time: number;
}

/**
 * Reads each secret at most once a second, however many requests ask. A failure is kept as long, so a
 * missing file does not become a load of its own. Keeps one entry per reference in the tenant files.
 */
export function cachedSecrets(read: SecretStore, now: () => number): SecretStore {
  const known = new Map<string, Read>();
  return (reference) => {
    const last = known.get(reference);
    const time = now();
    if (last !== undefined && time - last.time < SECRET_AGE_MS) return last.value;
    const value = read(reference);
    known.set(reference, { value, time });
    return value;
  };
}
