import type { IpsSource, WebhookSource } from '@waybill/tenant';
import type { Logger, SecretStore } from '../ports.ts';
import { cached } from './cached.ts';

/** A secret under its key id. */
export interface KeyedSecret {
  readonly keyId: string;
  readonly secret: string;
}

export interface SourceSecrets {
  /** Those that could be read; the same object until they are read anew. */
  readonly secrets: readonly KeyedSecret[];
  /** How many could not. */
  readonly unreadable: number;
}

/** A source with secrets under key ids. */
type Secretive = WebhookSource | IpsSource;

export type ReadSourceSecrets = (source: Secretive) => SourceSecrets | Promise<SourceSecrets>;

/**
 * The secrets of a source, read again when they are older than `maxAgeMs`: a rotated secret works without
 * a restart, and not every request reads files.
 */
export function sourceSecrets(
  ports: { readonly secrets: SecretStore; readonly logger: Logger; readonly now: () => number },
  maxAgeMs: number,
): ReadSourceSecrets {
  // By source object: newly applied tenant files bring new objects, the old ones are forgotten.
  const readers = new WeakMap<Secretive, ReturnType<typeof cached<SourceSecrets>>>();
  return (source) => {
    let reader = readers.get(source);
    if (reader === undefined) {
      reader = cached(() => read(source, ports), { maxAgeMs, now: ports.now });
      readers.set(source, reader);
    }
    return reader();
  };
}

async function read(
  source: Secretive,
  ports: { readonly secrets: SecretStore; readonly logger: Logger },
): Promise<SourceSecrets> {
  const secrets: KeyedSecret[] = [];
  let unreadable = 0;
  for (const [keyId, reference] of Object.entries(source.secrets)) {
    try {
      secrets.push({ keyId, secret: await ports.secrets(reference) });
    } catch (error) {
      unreadable += 1;
      const { source_id } = source;
      ports.logger.error({ source_id, key_id: keyId, err: error }, 'secret.unreadable');
    }
  }
  return { secrets, unreadable };
}
