import { foreignTokenCheck } from './adapters/bearer-token.ts';
import type { WebhookRequest } from './adapters/http-server.ts';
import { ownTokens } from './adapters/own-tokens.ts';
import { pathSecretCheck } from './adapters/path-secret.ts';
import { signatureCheck } from './adapters/signature.ts';
import { sourceGate } from './adapters/source-gate.ts';
import { sourceSecrets } from './adapters/source-secrets.ts';
import { createAuthenticator, type Authenticate } from './authenticate.ts';
import type { Config } from './config.ts';
import type { Answer } from './core/answer.ts';
import { createTokenHandler } from './handle-token.ts';
import type { Ports, RefusalLog, SourceDirectory } from './ports.ts';

export type AuthenticationConfig = Pick<
  Config,
  'INGEST_SECRETS_MAX_AGE_MS' | 'INGEST_TOKEN_KEY' | 'INGEST_TOKEN_LIFE_S'
>;

export interface Authentication {
  readonly authenticate: Authenticate;
  /** Answers `POST /oauth/token`; undefined when INGEST_TOKEN_KEY is not set. */
  readonly answerToken: ((request: WebhookRequest) => Promise<Answer>) | undefined;
}

/** Wires every scheme: what they share are the sources, their secrets and their gates. */
export function createAuthentication(
  config: AuthenticationConfig,
  ports: Pick<Ports, 'secrets' | 'metrics' | 'logger' | 'now'> & {
    readonly sources: SourceDirectory;
    readonly refusals: Pick<RefusalLog, 'record'>;
  },
): Authentication {
  const maxAgeMs = config.INGEST_SECRETS_MAX_AGE_MS;
  const keyReference = config.INGEST_TOKEN_KEY;
  const secretsOf = sourceSecrets(ports, maxAgeMs);
  const shared = { ...ports, secretsOf, gate: sourceGate() };
  const tokens =
    keyReference === undefined
      ? undefined
      : ownTokens(shared, { keyReference, lifeS: config.INGEST_TOKEN_LIFE_S, maxAgeMs });
  const authenticate = createAuthenticator({
    ...shared,
    checks: {
      signature: signatureCheck(shared),
      pathSecret: pathSecretCheck(shared),
      foreignToken: foreignTokenCheck({ ...shared, fetch }),
      ownToken: tokens?.check,
    },
  });
  return { authenticate, answerToken: tokens && createTokenHandler({ ...shared, tokens }) };
}
