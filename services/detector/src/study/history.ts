import { readFileSync } from 'node:fs';
import {
  topics,
  type Message,
  type PositionRecorded,
  type SignalRecorded,
  type TenantConfigured,
  type Topic,
} from '@waybill/contracts';
import { Fault } from '@waybill/fault';
import { unitOf } from '@waybill/domain';
import type { Streams, TableReader } from '@waybill/stream';

/** What was recorded of a tenant: tables, positions by unit, and what was published of them. */
export interface History {
  readonly tables: TableReader;
  readonly positions: ReadonlyMap<string, readonly (PositionRecorded | SignalRecorded)[]>;
  readonly published: ReadonlyMap<string, readonly Message[]>;
}

const TABLES: readonly Topic[] = [
  topics.tenantConfig,
  topics.zone,
  topics.asset,
  topics.driverBinding,
  topics.plannedAssignment,
];
/** Positions, and all that is published by unit; shifts are published by driver. */
const EVENTS: readonly Topic[] = [
  topics.position,
  topics.trip,
  topics.siteVisit,
  topics.geofence,
  topics.idle,
  topics.fuelLevel,
  topics.odometer,
  topics.workOrder,
];

/** Collects records of all these topics, whatever their order among each other. */
class Collector {
  readonly #tables = new Map<string, Map<string, Message>>();
  readonly #positions = new Map<string, (PositionRecorded | SignalRecorded)[]>();
  readonly #published = new Map<string, Message[]>();
  readonly #tenantId: string;

  constructor(tenantId: string) {
    this.#tenantId = tenantId;
  }

  add(topic: string, key: string, message: Message | null): void {
    if (key !== this.#tenantId && !key.startsWith(`${this.#tenantId}/`)) return;
    if (TABLES.some(({ name }) => name === topic)) {
      const table = this.#tables.get(topic) ?? new Map<string, Message>();
      this.#tables.set(topic, table);
      if (message === null) table.delete(key);
      else table.set(key, message);
    } else if (message?.type === 'PositionRecorded' || message?.type === 'SignalRecorded') {
      // The topic's contracts decide the type of the value by the name of the record.
      this.#push(this.#positions, key, message.value as PositionRecorded | SignalRecorded);
    } else if (message !== null && topic !== topics.position.name) {
      this.#push(this.#published, key, message);
    }
  }

  #push<T>(map: Map<string, T[]>, key: string, value: T): void {
    const list = map.get(unitOf(key));
    if (list === undefined) map.set(unitOf(key), [value]);
    else list.push(value);
  }

  get history(): History {
    const tables = this.#tables;
    return {
      tables: {
        // Each table holds records of its topic only.
        get: (topic, key) => tables.get(topic.name)?.get(key) as never,
        entries: (topic) => (tables.get(topic.name) ?? new Map()).entries() as never,
      },
      positions: this.#positions,
      published: this.#published,
    };
  }
}

/** One line of a history file. */
interface Line {
  readonly topic: string;
  readonly key: string;
  readonly type: string;
  readonly value: object;
}

function isLine(value: unknown): value is Line {
  if (typeof value !== 'object' || value === null) return false;
  const line = value as Partial<Record<keyof Line, unknown>>;
  return (
    typeof line.topic === 'string' &&
    typeof line.key === 'string' &&
    typeof line.type === 'string' &&
    typeof line.value === 'object' &&
    line.value !== null
  );
}

function unreadable(file: string, line: number): Fault {
  const message = `expected a JSON object with topic, key, type and value in line ${line} of ${file}; is it a file of detect explain --save?`;
  return new Fault(message, { kind: 'malformed', code: 'HISTORY_UNREADABLE', stage: 'decode' });
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    const message = `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    const facts = { kind: 'malformed', code: 'HISTORY_UNREADABLE', stage: 'decode' } as const;
    throw new Fault(message, { ...facts, cause: error });
  }
}

/**
 * A history from a file: JSON lines {topic, key, type, value} as `saveLine` writes them. Throws a Fault
 * `malformed` / `HISTORY_UNREADABLE`, which names the line.
 */
export function historyOfFile(file: string, tenantId: string): History {
  const collector = new Collector(tenantId);
  for (const [index, text] of linesOf(file).entries()) {
    if (text === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw unreadable(file, index + 1);
    }
    if (!isLine(value)) throw unreadable(file, index + 1);
    collector.add(value.topic, value.key, { type: value.type, value: value.value });
  }
  return collector.history;
}

/** A record as a line of a history file. */
export function saveLine(topic: string, key: string, message: Message): string {
  return JSON.stringify({ topic, key, type: message.type, value: message.value });
}

/**
 * A history from the log, from the first retained record to the end seen at the start. `onRecord` sees
 * every record of the tenant.
 */
export async function historyOfLog(
  streams: Pick<Streams, 'follow'>,
  tenantId: string,
  onRecord: (topic: string, key: string, message: Message) => void = () => undefined,
): Promise<History> {
  const collector = new Collector(tenantId);
  const following = await streams.follow([...TABLES, ...EVENTS], (topic, key, message) => {
    collector.add(topic.name, key, message);
    const isOurs = key === tenantId || key.startsWith(`${tenantId}/`);
    if (message !== null && isOurs) onRecord(topic.name, key, message);
  });
  await following.stop();
  return collector.history;
}

/** The tenant's configuration. Throws a Fault `misconfigured` / `TENANT_UNKNOWN` when there is none. */
export function configurationOf({ tables }: History, tenantId: string): TenantConfigured {
  const configured = tables.get(topics.tenantConfig, tenantId);
  if (configured !== undefined) return configured.value;
  throw new Fault(`expected a configuration of ${tenantId}, found none; apply its folder first`, {
    kind: 'misconfigured',
    code: 'TENANT_UNKNOWN',
    stage: 'start',
  });
}
