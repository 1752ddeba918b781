import { isIP } from 'node:net';
import type { TenantModel } from './model.ts';
import type { ModelPath, ModelProblem } from './problem.ts';
import type { WebhookSource } from './webhook-source.ts';

/** True for a v4 or v6 address, or a network in CIDR notation. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
  );
}

/** Keys of an issuer must not be exchanged on the way. */
function isTrustworthy(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

function secretProblems(source: WebhookSource, at: ModelPath): ModelProblem[] {
  const count = Object.keys(source.secrets).length;
  if (source.scheme === 'oauth2') {
    return count === 0
      ? []
      : [
          {
            path: [...at, 'secrets'],
            what: 'tokens of a foreign issuer are checked with its public keys, not with secrets',
            fix: 'remove secrets, or set scheme: oauth2-own',
          },
        ];
  }
  return count > 0
    ? []
    : [
        {
          path: [...at, 'secrets'],
          what: `scheme ${source.scheme} needs a secret, and there is none`,
          fix: 'add one under a key id such as k1',
        },
      ];
}

function schemeProblems(source: WebhookSource, at: ModelPath): ModelProblem[] {
  const { scheme, oauth2 } = source;
  if (scheme === 'oauth2' && oauth2 === undefined) {
    return [
      {
        path: [...at, 'oauth2'],
        what: 'scheme oauth2 needs to know the issuer',
        fix: 'add oauth2 with issuer, audience, jwks_uri and clients',
      },
    ];
  }
  if (scheme !== 'oauth2' && oauth2 !== undefined) {
    return [
      {
        path: [...at, 'oauth2'],
        what: `scheme ${scheme} does not look at oauth2`,
        fix: 'remove it, or set scheme: oauth2',
      },
    ];
  }
  if (oauth2 !== undefined && !isTrustworthy(oauth2.jwks_uri)) {
    return [
      {
        path: [...at, 'oauth2', 'jwks_uri'],
        what: 'expected an https:// address, found one that anybody on the way can change',
        fix: 'use the https address of the issuer',
      },
    ];
  }
  return [];
}

/** Entries of an allowlist that are no network. */
export function allowlistProblems(
  allowlist: readonly string[] | undefined,
  at: ModelPath,
): ModelProblem[] {
  return (allowlist ?? []).flatMap((entry, index): ModelProblem[] =>
    isNetwork(entry)
      ? []
      : [
          {
            path: [...at, 'allowlist', index],
            what: 'expected an address or a network in CIDR notation, v4 or v6',
            fix: 'write 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32',
          },
        ],
  );
}

function placeProblems(source: WebhookSource, at: ModelPath): ModelProblem[] {
  const { scheme, allowlist, client_fingerprints: prints, client_subjects: subjects } = source;
  const problems = allowlistProblems(allowlist, at);
  if (scheme === 'unsigned' && !allowlist && !prints && !subjects) {
    problems.push({
      path: [...at, 'allowlist'],
      what: 'a sender that does not sign is known by its path only, which stands in many logs',
      fix: 'add allowlist with its addresses, or demand a client certificate',
    });
  }
  return problems;
}

/** Rules between the parts of a push source. */
export function webhookProblems({ sources }: TenantModel): ModelProblem[] {
  return sources.flatMap((source, index) => {
    if (source.kind !== 'webhook') return [];
    const at = ['sources', index];
    return [
      ...secretProblems(source, at),
      ...schemeProblems(source, at),
      ...placeProblems(source, at),
    ];
  });
}
