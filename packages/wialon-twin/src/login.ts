import { itemClasses, userIdOf, type TwinAccount } from './items.ts';
import { ApiError, errorCode, text, type Params } from './params.ts';
import { TOKEN_LENGTH, tokenOf } from './token.ts';

/** An account and which of its tokens was used. */
export interface Credential {
  readonly account: TwinAccount;
  readonly token: 1 | 2;
}

/** Accounts by token. */
export function credentialsOf(accounts: readonly TwinAccount[]): Map<string, Credential> {
  const numbers = [1, 2] as const;
  return new Map(
    accounts.flatMap((account) =>
      numbers.map((token) => [tokenOf(account.store.account.account, token), { account, token }]),
    ),
  );
}

/** Who logs in: error 4 for a token of the wrong length, 8 for an unknown token or sub-user. */
export function authenticate(
  credentials: ReadonlyMap<string, Credential>,
  params: Params,
): Credential {
  const token = text(params, 'token');
  if (token.length !== TOKEN_LENGTH) throw new ApiError(errorCode.invalidInput);
  const credential = credentials.get(token);
  const operateAs = text(params, 'operateAs');
  const user = credential?.account.store.account.account;
  const isRevoked = credential?.account.tokens.has(credential.token) === false;
  if (credential === undefined || isRevoked || (operateAs !== '' && operateAs !== user)) {
    throw new ApiError(errorCode.badCredentials);
  }
  return credential;
}

/** Members that known clients insist on, whatever `fl` asks for. */
export function loginAnswer(
  { account, token }: Credential,
  sid: string,
  tm: number,
  address: string,
): string {
  const { account: name, resource_id: resource } = account.store.account;
  const id = userIdOf(account.store);
  const th = tokenOf(name, token);
  const rights = { app: 'waybill', ct: 1_200_000_000, at: 0, dur: 0, fl: 768, p: '{}', items: [] };
  return JSON.stringify({
    eid: sid,
    gis_sid: '',
    host: address,
    hw_gw_ip: '',
    hw_gw_dns: '',
    au: name,
    pi: 5,
    tm,
    wsdk_version: '1.51',
    base_url: '',
    user: {
      nm: name,
      cls: itemClasses.user,
      id,
      prp: { tz: '134217728', dst: '-1', language: 'en' },
      crt: id,
      bact: resource,
      fl: 2,
      hm: '*',
      uacl: 880_333_094_911,
      mu: 0,
      ct: 1_200_000_000,
      ftp: {},
      ld: tm,
      pfl: 0,
      mapps: {},
      mappsmax: 0,
    },
    token: JSON.stringify(rights),
    th,
    classes: itemClasses,
    features: { unlim: 0, svcs: { notifications: 1, reports: 1 } },
  });
}
