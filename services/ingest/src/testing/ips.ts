// A Wialon IPS listener whose log, units and sources the test holds in its hands, and a tracker.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { TlsOptions } from 'node:tls';
import { deflateSync } from 'node:zlib';
import type { AssetDescribed, Message, Topic, WebhookReceived } from '@waybill/contracts';
import { Fault } from '@waybill/fault';
import { createMetrics } from '@waybill/runtime';
import type { IpsSource, RateLimit } from '@waybill/tenant';
import { createAdmission } from '../adapters/admission.ts';
import { startIpsListener, type IpsConfig, type IpsListener } from '../ips-listener.ts';
import { ingestMetrics } from '../metrics.ts';
import type { IpsSourceAt, RejectedBody } from '../ports.ts';
import { createThrottle } from '../throttle-requests.ts';

export interface IpsHarness {
  readonly listener: IpsListener;
  readonly kept: WebhookReceived[];
  readonly rejected: RejectedBody[];
  readonly lines: { readonly msg: string; readonly fields: object }[];
  readonly secrets: Map<string, string>;
  sources: IpsSourceAt[];
  /** Takes the place of the log for each record; default: it stands there at once. */
  append: () => Promise<void>;
  readonly describe: (tenantId: string, unit: string, device: string | null) => void;
  readonly metricsText: () => Promise<string>;
}

export function ipsSource(
  tenantId: string,
  changes: Partial<IpsSource> = {},
  sourceId: string = 'stream',
): IpsSourceAt {
  const secrets = { k1: `secret://files/${tenantId}#ips` };
  const source: IpsSource = { source_id: sourceId, kind: 'ips', secrets, ...changes };
  return { tenantId, sourceId, source };
}

export interface IpsHarnessOptions {
  readonly config?: Partial<IpsConfig>;
  readonly tls?: TlsOptions;
  readonly requests?: number;
  readonly tenantLimit?: RateLimit;
}

/** bay-cabs has a source `stream` with the password `geheim` and the unit 7001 with device 350000000005014. */
export async function startIpsHarness(options: IpsHarnessOptions = {}): Promise<IpsHarness> {
  const metrics = createMetrics('ingest');
  let onTable: (topic: Topic, key: string, message: Message | null) => void = () => undefined;
  const write = (fields: object, msg: string): void => void harness.lines.push({ msg, fields });
  const sources = {
    find: () => undefined,
    ips: () => harness.sources,
    limitOf: () => options.tenantLimit,
    size: () => harness.sources.length,
    stop: async () => undefined,
  };
  const listenerOf = (): Promise<IpsListener | undefined> =>
    startIpsListener(
      {
        INGEST_HTTP_HOST: '127.0.0.1',
        INGEST_IPS_PORT: 0,
        INGEST_IPS_TLS: options.tls !== undefined,
        INGEST_IPS_CONNECTIONS_MAX: 50,
        INGEST_IPS_IDLE_S: 60,
        INGEST_SECRETS_MAX_AGE_MS: 0,
        ...options.config,
      },
      options.tls,
      {
        streams: {
          publisher: () => Promise.reject(new Error('not used')),
          follow: async (_tables, listener) => {
            onTable = listener ?? onTable;
            return {
              tables: { get: () => undefined, entries: () => new Map<string, never>().entries() },
              stop: async () => undefined,
            };
          },
          close: async () => undefined,
        },
        secrets: async (reference) => {
          const value = harness.secrets.get(reference);
          if (value !== undefined) return value;
          throw new Fault('gone', {
            kind: 'misconfigured',
            code: 'SECRET_MISSING',
            stage: 'start',
          });
        },
        sources,
        raw: {
          append: async (record) => {
            await harness.append();
            harness.kept.push(record);
          },
        },
        quarantine: {
          keep: async (body) => void harness.rejected.push(body),
        },
        throttle: createThrottle(sources),
        admission: createAdmission({ requests: options.requests ?? 64, bytes: 1e7 }, Date.now),
        metrics: ingestMetrics(metrics),
        logger: { debug: write, info: write, warn: write, error: write },
        now: Date.now,
      },
    );
  const harness: Omit<IpsHarness, 'listener'> & { listener: IpsListener | undefined } = {
    listener: undefined,
    kept: [],
    rejected: [],
    lines: [],
    secrets: new Map([['secret://files/bay-cabs#ips', 'geheim']]),
    sources: [ipsSource('bay-cabs')],
    append: async () => undefined,
    describe: (tenantId, unit, device) => {
      const interval = { valid_from_time: null, valid_to_time: null, device_id: device };
      // Of the description only this is read here.
      const value = { intervals: [interval] } as unknown as AssetDescribed;
      onTable({} as Topic, `${tenantId}/${unit}`, { type: 'AssetDescribed', value });
    },
    metricsText: metrics.text,
  };
  const listener = await listenerOf();
  if (listener === undefined) throw new Error('expected a listener');
  harness.describe('bay-cabs', 'wialon:7001', '350000000005014');
  return Object.assign(harness, { listener });
}

/** CRC-16/ARC bit by bit, beside the table of what is tested. */
function checksum(text: string): string {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc.toString(16).toUpperCase().padStart(4, '0');
}

/** A packet with its checksum, without its line end. */
export function packet(type: string, content: string): string {
  return `#${type}#${content}${checksum(content)}`;
}

/** A line in the container of compressed packets. */
export function compressed(line: string): Buffer {
  const data = deflateSync(line);
  const head = Buffer.from([0xff, 0, 0]);
  head.writeUInt16LE(data.length, 1);
  return Buffer.concat([head, data]);
}

/** What stands in a data packet for a fix at a second of 2025-10-09. */
export function fixOf(second: number): string {
  const time = new Date(second * 1000).toISOString().slice(11, 19).replaceAll(':', '');
  return `091025;${time};5206.0003;N;02100.0009;E;64;180;110;11`;
}

/** One connection that sends lines and waits for answers. */
export class Tracker {
  readonly socket: Socket;
  readonly #answers: AsyncIterator<string>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    this.#answers = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  send(line: string): void {
    this.socket.write(`${line}\r\n`);
  }

  /** The next answer; undefined when the connection ended instead. */
  async answer(): Promise<string | undefined> {
    try {
      const next = await this.#answers.next();
      return next.done === true ? undefined : next.value;
    } catch {
      // Reset instead of closed, as of a process that was killed.
      return undefined;
    }
  }

  /** The answer to a line. */
  async ask(line: string): Promise<string | undefined> {
    this.send(line);
    return this.answer();
  }

  login(
    device: string = '350000000005014',
    password: string = 'geheim',
  ): Promise<string | undefined> {
    return this.ask(packet('L', `2.0;${device};${password};`));
  }
}

export async function connectTracker(port: number): Promise<Tracker> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  return new Tracker(socket);
}
