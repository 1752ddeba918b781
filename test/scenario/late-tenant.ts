// A tenant whose positions are in the log before anybody has applied its files.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  topics,
  type ElementRejected,
  type PageFetched,
  type ProposalChanged,
  type SourceProgressed,
  type Topic,
  type TripCompleted,
  type WebhookReceived,
} from '@waybill/contracts';
import { hashId } from '@waybill/domain';
import { connectStreams, type Outgoing } from '@waybill/stream';
import { tokenOf } from '@waybill/wialon-twin';
import pg from 'pg';
import { call } from '../demo/http.ts';
import type { Finished } from './run-once.ts';

/** A drive: fixes, those of them that move, and seconds between two. */
export const FIXES = 7;
export const MOVING = 2;
export const EVERY_S = 100;

/** Minutes of driving, then standing for long enough that the trip is closed; registered so much later. */
function drive(fromS: number, lateS: number): readonly object[] {
  return Array.from({ length: FIXES }, (_, i) => {
    const t = fromS + i * EVERY_S;
    return {
      // The engine runs all the time.
      ...{ t, f: 3, tp: 'ud', rt: t + 3 + lateS, i: 1 },
      pos: { y: 37.9 + 0.01 * Math.min(i, MOVING), x: -122.2 },
    };
  });
}

/** A row of a trip; `version` changes with any write. */
interface TripRow {
  readonly trip_ref: string;
  readonly start_time: Date;
  readonly duration_s: number;
  readonly distance_km: string;
  readonly driver_code: string | null;
  readonly version: string;
}

/** See the file. */
export interface LateTenant {
  readonly key: string;
  /** Publishes what a drive that begins at `fromS` gave, in one page; registered `lateS` seconds late. */
  readonly drive: (fromS: number, lateS?: number) => Promise<void>;
  /** Publishes that everything registered up to then was read. */
  readonly progress: (toS: number) => Promise<void>;
  /** Publishes a listing with the name of the unit. */
  readonly name: (name: string) => Promise<void>;
  readonly apply: () => Promise<void>;
  /** Applies it with `beyond_grace: recompute`. */
  readonly applyRecompute: () => Promise<void>;
  /** Publishes the request, received at `atS`, by which `PUSHED` tells of a drive. */
  readonly push: (fromS: number, atS: number) => Promise<void>;
  /** Versions of proposals about `PUSHED`, in order. */
  readonly proposed: () => readonly ProposalChanged[];
  readonly deadLetters: () => readonly ElementRejected[];
  /** Causes of the trips that were published since this was opened, in order. */
  readonly causes: () => readonly string[];
  /** Name of the unit as the topic has it, and time of its newest position. */
  readonly newest: () => { readonly name: string | undefined; readonly time: number | undefined };
  /** Rows of the ERP's roster: a driver that is planned on the vehicle. */
  readonly plan: (driverId: string, from: number, to: number | null) => Promise<void>;
  readonly rows: () => Promise<readonly TripRow[]>;
  /** Starts (s) and lengths (s) of the idlings in the ERP. */
  readonly idlings: () => Promise<readonly (readonly [number, number])[]>;
  readonly close: () => Promise<void>;
}

export const TENANT = 'harbor-tow';
const SOURCE = 'wialon';
export const UNIT = 'wialon:7001';
/** A unit that pushes: what it said can be read again from our raw topic only. */
export const PUSHED = 'dispatch:truck-9';
const KEY = `${TENANT}/${SOURCE}/${TENANT}`;

function page(body: unknown, call: string, unit: string | null): Outgoing {
  const bytes = Buffer.from(JSON.stringify(body));
  const value: PageFetched = {
    ...{ tenant_id: TENANT, source_id: SOURCE, account: TENANT, call, unit },
    ...{ page_id: hashId(call, bytes.toString()), parameters: '{}', body: bytes },
    ...{ window_from_time: null, window_to_time: null, provider_now_time: null },
    ...{ session_hash: '0f3c9a77be1d4c02', body_sha256: '0'.repeat(64) },
    ...{ unusable_reason: null, http_status: null, content_type: null, body_bytes: null },
    ...{ received_time: Date.now(), first_index: 0, message_count: FIXES, part: 0, parts: 1 },
  };
  return { topic: topics.wialonPage, key: KEY, message: { type: 'PageFetched', value } };
}

function request(fromS: number, atS: number): Outgoing {
  const bytes = Buffer.from(
    JSON.stringify(
      Array.from({ length: FIXES }, (_, i) => {
        const place = { lat: 37.9 + 0.01 * Math.min(i, MOVING), lon: -122.3, speed: 0 };
        const at = new Date((fromS + i * EVERY_S) * 1000).toISOString();
        const data = { vehicle_id: 'truck-9', ...place, ts: at };
        return { event: 'vehicle.location.updated', id: `evt_${fromS}_${i}`, data };
      }),
    ),
  );
  const id = hashId('request', bytes.toString());
  const value: WebhookReceived = {
    ...{ tenant_id: TENANT, source_id: 'dispatch', request_id: id, verdict: 'VERIFIED' },
    ...{ received_time: atS * 1000, key_id: 'k1' },
    ...{ idempotency_key: null, content_type: 'application/json', headers: {} },
    ...{ body_sha256: '0'.repeat(64), body: bytes },
  };
  return { topic: topics.webhookRaw, key: id, message: { type: 'WebhookReceived', value } };
}

const ENGINE = {
  1: { id: 1, n: 'Engine', t: 'engine operation', m: 'On/Off', p: 'in1', f: 0, c: '{}', tbl: [] },
};

const PLAN = `
  driver_plan: { table: erp.roster, vehicle: cab, driver: driver_id, from: begins, to: ends }
`;
const ROSTER =
  'CREATE TABLE erp.roster (cab text, driver_id text, begins timestamptz, ends timestamptz)';
/** Code in messages, id in the ERP. */
const DRIVERS = 'driver,D-0001,DRV-1,,\ndriver,D-0002,DRV-2,,\n';
const TRUCK = `vehicle,${PUSHED},CAB-aiwalb,,\n`;

/** The files of bay-cabs under another name, with an ERP of its own and an account that the twin does not have. */
async function prepareTenant({ system, stack }: Finished): Promise<{
  readonly erp: pg.Pool;
  readonly dir: string;
}> {
  const url = system.erpUrl(TENANT);
  const dir = join(system.dir, TENANT);
  cpSync(join(system.tenantsDir, 'bay-cabs'), dir, { recursive: true });
  const file = join(dir, 'tenant.yaml');
  const wanted = readFileSync(file, 'utf8')
    .replaceAll('bay-cabs', TENANT)
    .replace('events:', 'events:\n  latest_position: detected\n  idle: detected')
    .replace('detection:', 'detection:\n  use_planned_drivers: true')
    .trimEnd();
  writeFileSync(file, wanted + PLAN);
  const ids = join(dir, 'idmap.csv');
  writeFileSync(ids, `${readFileSync(ids, 'utf8').trimEnd()}\n${DRIVERS}${TRUCK}`);
  const secrets = dirname(system.webhookSecretFile);
  const unknown = tokenOf(TENANT, 1);
  const secret = {
    ...{ erp_url: url, webhook_k1: system.webhookSecret },
    ...{ wialon_token_1: unknown, wialon_token_2: unknown },
  };
  writeFileSync(join(secrets, `${TENANT}.json`), JSON.stringify(secret), { mode: 0o600 });
  await stack.createDatabase(new URL(url).pathname.slice(1));
  const erp = new pg.Pool({ connectionString: url, max: 1 });
  erp.on('error', () => undefined);
  for (const name of ['schema.sql', 'seed.sql']) {
    await erp.query(readFileSync(join(dir, 'erp', name), 'utf8'));
  }
  await erp.query(ROSTER);
  return { erp, dir };
}

export async function openLateTenant(finished: Finished): Promise<LateTenant> {
  const { system, stack, namespace } = finished;
  const { erp, dir } = await prepareTenant(finished);
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const streams = await connectStreams({
    ...{ brokers: stack.kafka.brokers, registryUrl: stack.registry.url },
    ...{ namespace, clientId: 'test', logger: silent },
  });
  const publisher = await streams.publisher([topics.wialonPage, topics.webhookRaw]);
  const deadLetters: ElementRejected[] = [];
  const causes: string[] = [];
  const proposed: ProposalChanged[] = [];
  const states: readonly Topic[] = [topics.asset, topics.positionState];
  const { tables } = await streams.follow(
    [topics.detectorDeadLetter, topics.trip, topics.proposal, ...states],
    (_topic, _key, message) => {
      if ((message?.value as { tenant_id?: string } | undefined)?.tenant_id !== TENANT) return;
      if (message?.type === 'ElementRejected') deadLetters.push(message.value as ElementRejected);
      if (message?.type === 'ProposalChanged') {
        const proposal = message.value as ProposalChanged;
        if (proposal.unit === PUSHED) proposed.push(proposal);
      }
      if (message?.type === 'TripCompleted') causes.push((message.value as TripCompleted).cause);
    },
  );
  return {
    key: KEY,
    drive: (fromS, lateS = 0) =>
      publisher.send([page(drive(fromS, lateS), 'messages/get_messages', UNIT)]),
    progress: (toS) => {
      const value: SourceProgressed = {
        ...{ tenant_id: TENANT, source_id: SOURCE, account: TENANT },
        ...{ complete_to_time: toS * 1000, received_time: Date.now() },
      };
      const message = { type: 'SourceProgressed', value } as const;
      return publisher.send([{ topic: topics.wialonPage, key: KEY, message }]);
    },
    name: (name) => {
      const items = [{ cls: 2, id: 7001, nm: name, sens: ENGINE }];
      return publisher.send([page({ items }, 'core/search_items', null)]);
    },
    apply: async () => {
      await call(`${system.url('console')}/tenants/${TENANT}/apply`, { dir });
    },
    applyRecompute: async () => {
      const file = join(dir, 'tenant.yaml');
      const text = readFileSync(file, 'utf8');
      writeFileSync(
        file,
        text.replace('closed_period:', 'beyond_grace: recompute\n  closed_period:'),
      );
      await call(`${system.url('console')}/tenants/${TENANT}/apply`, { dir });
    },
    push: (fromS, atS) => publisher.send([request(fromS, atS)]),
    proposed: () => proposed,
    deadLetters: () => deadLetters,
    causes: () => causes,
    newest: () => {
      const key = `${TENANT}/${UNIT}`;
      const position = tables.get(topics.positionState, key);
      return {
        name: tables.get(topics.asset, key)?.value.intervals.at(-1)?.name,
        time: position?.value.event_time,
      };
    },
    plan: async (driverId, from, to) => {
      await erp.query('INSERT INTO erp.roster VALUES ($1, $2, $3, $4)', [
        ...['CAB-abboip', driverId],
        ...[new Date(from), to === null ? null : new Date(to)],
      ]);
    },
    rows: async () => {
      const { rows } = await erp.query<TripRow>(
        `SELECT trip_ref, start_time, duration_s, distance_km, driver_code, xmin::text AS version
         FROM erp.trip ORDER BY start_time`,
      );
      return rows;
    },
    idlings: async () => {
      const { rows } = await erp.query<{ start_time: Date; duration_s: number }>(
        'SELECT start_time, duration_s FROM erp.idling WHERE NOT withdrawn ORDER BY start_time',
      );
      return rows.map((row) => [row.start_time.getTime() / 1000, row.duration_s]);
    },
    close: async () => {
      await streams.close();
      await erp.end();
    },
  };
}
