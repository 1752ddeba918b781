import { Fault } from '@waybill/fault';

/** Where the stores of this process are; a store without its settings is refused when it is named. */
export interface SecretStores {
  /** `files`: folder of JSON files. */
  readonly filesDir?: string | undefined;
  /** `sealed`: one encrypted file, and the file with its key. */
  readonly sealedFile?: string | undefined;
  readonly sealedKeyFile?: string | undefined;
  /** `vault`: address of Vault or OpenBao, the file with a token, and a namespace. */
  readonly vaultUrl?: string | undefined;
  readonly vaultTokenFile?: string | undefined;
  readonly vaultNamespace?: string | undefined;
}

/** Reads the fields behind the path of a reference. */
export type SecretStore = (
  stores: SecretStores,
  reference: string,
  path: string,
) => Promise<Readonly<Record<string, unknown>>>;

/** The stores, from the process's variables. */
export function secretStores(config: {
  readonly SECRETS_DIR: string | undefined;
  readonly SECRETS_SEALED_FILE: string | undefined;
  readonly SECRETS_KEY_FILE: string | undefined;
  readonly SECRETS_VAULT_URL: string | undefined;
  readonly SECRETS_VAULT_TOKEN_FILE: string | undefined;
  readonly SECRETS_VAULT_NAMESPACE: string | undefined;
}): SecretStores {
  return {
    filesDir: config.SECRETS_DIR,
    sealedFile: config.SECRETS_SEALED_FILE,
    sealedKeyFile: config.SECRETS_KEY_FILE,
    vaultUrl: config.SECRETS_VAULT_URL,
    vaultTokenFile: config.SECRETS_VAULT_TOKEN_FILE,
    vaultNamespace: config.SECRETS_VAULT_NAMESPACE,
  };
}

/** Fault for a reference that leads nowhere; `found` never holds a value. */
export function missingSecret(reference: string, found: string): Fault {
  return new Fault(`secret ${reference}: ${found}`, {
    kind: 'misconfigured',
    code: 'SECRET_MISSING',
    stage: 'start',
    category: 'authentication',
  });
}

/** Fault for a store that cannot answer just now. */
export function storeAway(reference: string, found: string): Fault {
  return new Fault(`secret ${reference}: the store cannot answer (${found})`, {
    kind: 'transient',
    code: 'SECRET_STORE_AWAY',
    stage: 'start',
    category: 'network',
  });
}

/** The code of a file system error. */
export function fileProblem(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unreadable';
}
