// Claims of two instances on one database.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { createPool, migrate, type Pool } from '@waybill/postgres';
import { testDatabase } from '@waybill/testkit';
import { migrations, SCHEMA } from '../adapters/claims-schema.ts';
import { claimSettings, postgresClaims } from '../adapters/postgres-claims.ts';
import type { Claim, ClaimRequest, ClaimStore } from '../ports.ts';

/** Of all requests here. */
export const SIGNED_TIME: number = Math.floor(Date.now() / 1000) * 1000;

export const claimOptions = { leaseS: 30, retentionH: 24 } as const;
export const silent = { warn: (): void => undefined } as const;

export function idOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}

export function claimRequest(key: string, body: string, signed?: string): ClaimRequest {
  return {
    requestId: idOf(key),
    bodySha256: hash('sha256', body, 'hex'),
    signed:
      signed === undefined ? undefined : { id: idOf(`signed ${signed}`), signedTime: SIGNED_TIME },
    receivedTime: SIGNED_TIME,
  };
}

export function count(claims: readonly Claim[], kind: Claim['kind']): number {
  return claims.filter((claim) => claim.kind === kind).length;
}

/** A claim of which the database knows for good. */
export async function claimed(store: ClaimStore, asked: ClaimRequest): Promise<Claim> {
  const claim = await store.claim(asked);
  if (claim.kind === 'granted') await claim.committed;
  return claim;
}

export interface TwoStores {
  readonly url: string;
  readonly pools: readonly [Pool, Pool];
  readonly stores: readonly [ClaimStore, ClaimStore];
  /** Each at one of the two, in turn. */
  readonly claimAll: (requests: readonly ClaimRequest[]) => Promise<readonly Claim[]>;
  readonly stop: () => Promise<void>;
}

export async function openTwoStores(): Promise<TwoStores> {
  const database = await testDatabase();
  const open = (): Pool =>
    createPool(database.url, { applicationName: 'test', max: 3, settings: claimSettings });
  const pools = [open(), open()] as const;
  await migrate(pools[0], SCHEMA, migrations);
  const stores = [
    postgresClaims(pools[0], claimOptions, silent),
    postgresClaims(pools[1], claimOptions, silent),
  ] as const;
  return {
    url: database.url,
    pools,
    stores,
    claimAll: (requests) =>
      Promise.all(
        requests.map((each, index) => {
          const store = stores[index % stores.length];
          assert.ok(store);
          return claimed(store, each);
        }),
      ),
    stop: async () => {
      await Promise.all(stores.map((store) => store.close()));
      await Promise.all(pools.map((pool) => pool.end()));
      await database.stop();
    },
  };
}
