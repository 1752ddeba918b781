import type { IpsSource } from '@waybill/tenant';
import { guessingNetwork, networks } from './adapters/allowlist.ts';
import { matchingSecret } from './adapters/matching-secret.ts';
import type { ReadSourceSecrets } from './adapters/source-secrets.ts';
import { guessBrake, guessersOf } from './core/guess-brake.ts';
import type { IpsLogin } from './core/ips-verdict.ts';
import type { SourceAddress } from './core/source-address.ts';
import type { DeviceDirectory, IpsSourceAt, SourceDirectory } from './ports.ts';

/** A unit that logged in. */
export interface IpsIdentity extends SourceAddress {
  readonly source: IpsSource;
  readonly device: string;
  /** `wialon:<id>`. */
  readonly unit: string;
  /** Which of the valid passwords it was; null where the source has none. */
  readonly keyId: string | null;
}

/** Why a login is refused; stands in log and metric, the tracker sees only the protocol's number. */
export type IpsDenial =
  'address_not_allowed' | 'password_wrong' | 'device_unknown' | 'ambiguous' | 'braked';

export type CheckedLogin =
  | { readonly kind: 'accepted'; readonly identity: IpsIdentity }
  | { readonly kind: 'refused'; readonly reason: IpsDenial }
  /** A password that might be the right one cannot be read just now. */
  | { readonly kind: 'unavailable'; readonly reason: 'secret_unreadable' };

export interface IpsLoginCheck {
  /** Never rejects. */
  readonly check: (login: IpsLogin, remoteAddress: string, now: number) => Promise<CheckedLogin>;
  /** Whether the source is as it was at the login, and the device still the unit's. */
  readonly stillHolds: (identity: IpsIdentity) => boolean;
}

interface Opened extends IpsSourceAt {
  readonly keyId: string | null;
}

/**
 * Decides whose tracker speaks. A source opens when the address is in its allowlist and the password is one of
 * its own; of the sources that open exactly one tenant must know the device. Wrong passwords are slowed down
 * per address and device as those of the token end point are.
 */
export function createIpsLoginCheck(ports: {
  readonly sources: Pick<SourceDirectory, 'ips'>;
  readonly devices: Pick<DeviceDirectory, 'unitOf'>;
  readonly secretsOf: ReadSourceSecrets;
}): IpsLoginCheck {
  const { sources, devices, secretsOf } = ports;
  const brake = guessBrake();
  const parsed = new WeakMap<IpsSource, (address: string) => boolean>();

  function isAllowed({ source }: IpsSourceAt, address: string): boolean {
    if (source.allowlist === undefined) return true;
    const allows = parsed.get(source) ?? networks(source.allowlist);
    parsed.set(source, allows);
    return allows(address);
  }

  async function opened(
    candidates: readonly IpsSourceAt[],
    password: string,
  ): Promise<{ readonly open: readonly Opened[]; readonly unreadable: number }> {
    const open: Opened[] = [];
    let unreadable = 0;
    for (const candidate of candidates) {
      if (Object.keys(candidate.source.secrets).length === 0) {
        open.push({ ...candidate, keyId: null });
        continue;
      }
      const read = await secretsOf(candidate.source);
      unreadable += read.unreadable;
      const keyId = matchingSecret(password, read.secrets);
      if (keyId !== undefined) open.push({ ...candidate, keyId });
    }
    return { open, unreadable };
  }

  const refused = (reason: IpsDenial): CheckedLogin => ({ kind: 'refused', reason });

  return {
    check: async ({ device, password }, remoteAddress, now) => {
      const guessers = guessersOf(device, guessingNetwork(remoteAddress));
      if (brake.attempt(guessers, now) > 0) return refused('braked');
      const allowed = sources.ips().filter((source) => isAllowed(source, remoteAddress));
      if (allowed.length === 0) return refused('address_not_allowed');
      const { open, unreadable } = await opened(allowed, password);
      if (open.length === 0) {
        if (unreadable === 0) return refused('password_wrong');
        brake.succeeded(guessers, now);
        return { kind: 'unavailable', reason: 'secret_unreadable' };
      }
      brake.succeeded(guessers, now);
      const known = open.flatMap((source) => {
        const unit = devices.unitOf(source.tenantId, device);
        return unit === undefined ? [] : [{ ...source, device, unit }];
      });
      const [identity, other] = known;
      if (identity === undefined) return refused('device_unknown');
      return other === undefined ? { kind: 'accepted', identity } : refused('ambiguous');
    },
    stillHolds: ({ source, tenantId, device, unit }) =>
      devices.unitOf(tenantId, device) === unit &&
      sources.ips().some((candidate) => candidate.source === source),
  };
}
