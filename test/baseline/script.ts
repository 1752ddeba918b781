/**
 * The usual integration script, as found in the field: every interval it asks for the messages since the
 * last poll, cuts trips where the vehicle stands, and writes them with today's date. It is the yardstick
 * of the demo, not a part of the product; its faults are on purpose and named at their line.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Pool } from 'pg';

const names = ['twin', 'account', 'token', 'database', 'zone', 'interval-ms'] as const;
const option = { type: 'string' } as const;
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, option])) });
const { twin, account, token, database, zone } = values;

interface Message {
  t: number;
  pos: { y: number; x: number; s: number };
}
type OpenTrip = { start: number; end: number; km: number; last: Message };

let sid = '';
async function call<T>(svc: string, params: object): Promise<T> {
  const body = new URLSearchParams({ svc, sid, params: JSON.stringify(params) });
  const answer = await fetch(`${twin}/wialon/ajax.html`, { method: 'POST', body });
  const result = (await answer.json()) as T & { error?: number };
  if (result.error) throw new Error(`${svc}: error ${result.error}`);
  return result;
}

/** The script's own clock: the data time of its account, epoch seconds. */
async function now(): Promise<number> {
  const answer = await fetch(`${twin}/twin/clock`);
  const clock = (await answer.json()) as { accounts: { account: string; now_s: number }[] };
  return clock.accounts.find((found) => found.account === account)?.now_s ?? NaN;
}

async function logIn(): Promise<{ id: number; nm: string }[]> {
  sid = (await call<{ eid: string }>('token/login', { token })).eid;
  const spec = { itemsType: 'avl_unit', propName: 'sys_name', propValueMask: '*', sortType: '' };
  const search = { spec, force: 1, flags: 1, from: 0, to: 0 };
  return (await call<{ items: { id: number; nm: string }[] }>('core/search_items', search)).items;
}

const calendar = new Intl.DateTimeFormat('en-CA', { timeZone: String(zone) });
const day = (t: number): string => calendar.format(t * 1000);
function km({ pos: a }: Message, { pos: b }: Message): number {
  return 111.195 * Math.hypot(a.y - b.y, (a.x - b.x) * Math.cos((a.y * Math.PI) / 180));
}

const pool = new Pool({ connectionString: String(database), max: 2 });
await pool.query(`create table if not exists script_trip (account text, vehicle text,
  start_time timestamptz, end_time timestamptz, distance_km numeric, business_date date)`);
async function insert(vehicle: string, trip: OpenTrip, at: number): Promise<void> {
  if (trip.km < 0.5) return;
  const sql = `insert into script_trip
    values ($1, $2, to_timestamp($3), to_timestamp($4), $5, $6)`;
  // Misdates: the day on which the script learned of the trip, not the day on which it ended.
  await pool.query(sql, [account, vehicle, trip.start, trip.end, trip.km, day(at)]);
}

const open = new Map<string, OpenTrip>();
async function take(vehicle: string, message: Message, at: number): Promise<void> {
  // Loses: what belongs to a day that is over is not looked at any more.
  if (!message?.pos || day(message.t) !== day(at)) return;
  const trip = open.get(vehicle);
  const moving = message.pos.s > 5;
  if (trip && message.t - trip.end < 300) {
    trip.km += km(trip.last, message);
    Object.assign(trip, { last: message, end: moving ? message.t : trip.end });
    return;
  }
  open.delete(vehicle);
  if (trip) await insert(vehicle, trip, at);
  if (moving) open.set(vehicle, { start: message.t, end: message.t, km: 0, last: message });
}

let units = await logIn();
let timeFrom = await now();
process.on('SIGTERM', () => process.exit(0));
for (;;) {
  await delay(Number(values['interval-ms']));
  const timeTo = await now();
  try {
    for (const { id: itemId, nm } of units) {
      // Loses what was registered late: the interval is asked by device time, and once only.
      const interval = { itemId, timeFrom, timeTo, flags: 1, flagsMask: 65281 };
      const set = await call<{ messages: Message[] }>('messages/load_interval', {
        ...interval,
        loadCount: 0xffffffff,
      });
      for (const message of set.messages) await take(nm, message, timeTo);
    }
  } catch {
    // Loses the interval: logs in again and goes on from now.
    units = await logIn();
  }
  timeFrom = timeTo;
}
