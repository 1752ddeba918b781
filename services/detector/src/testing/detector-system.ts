// The detector as a process on a real broker, and what feeds and reads it.
import { readFileSync } from 'node:fs';
import {
  allTopics,
  topics,
  type Message,
  type PositionRecorded,
  type TenantConfigured,
  type Topic,
  type ZoneDescribed,
} from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import { stateEnvironment, stateNodeArguments } from '@waybill/runtime';
import { connectAdmin, connectStreams, type Outgoing, type StreamOptions } from '@waybill/stream';
import { startService, until } from '@waybill/testkit';
import { progress } from './messages.ts';

/** Where the broker is and how much of it is ours. */
export interface SystemOptions {
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly namespace: string;
  readonly partitions: number;
  /** Folder of snapshots. */
  readonly stateDir: string;
  /** Further variables of the process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further arguments of node. */
  readonly nodeArguments?: readonly string[];
}

/** One run of the process. */
export interface DetectorProcess {
  readonly pid: number;
  /** Records of the position topic that are behind its position; 0 before it has one. */
  readonly handled: () => Promise<number>;
  readonly isReady: () => Promise<boolean>;
  /** Resident set in MiB: VmHWM is the greatest, VmRSS the present one. */
  readonly memoryMib: (figure: 'VmHWM' | 'VmRSS') => number;
  readonly end: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>;
}

/** See the file. */
export interface DetectorSystem {
  readonly start: () => DetectorProcess;
  readonly publish: (records: readonly PositionRecorded[]) => Promise<void>;
  /** T of the tenant, s, in every partition. */
  readonly progress: (tenantId: string, t: number) => Promise<void>;
  /** Records in the position topic. */
  readonly published: () => Promise<number>;
  /** All values that were published to these topics, committed ones, partition by partition. */
  readonly outputs: (wanted: readonly Topic[]) => Promise<readonly Message[]>;
  readonly close: () => Promise<void>;
}

const MAIN = new URL('../main.ts', import.meta.url);

interface Health {
  readonly ready: boolean;
  readonly positions: readonly { readonly topic: string; readonly next: string }[];
}

function startDetector(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): DetectorProcess {
  const { pid, health, end } = startService(MAIN, { ...stateEnvironment, ...env }, [
    ...stateNodeArguments,
    ...args,
  ]);
  return {
    pid,
    handled: async () => {
      const positions = (await health<Health>())?.positions ?? [];
      return positions
        .filter(({ topic }) => topic === topics.position.name)
        .reduce((sum, { next }) => sum + Number(next), 0);
    },
    isReady: async () => (await health<Health>())?.ready ?? false,
    memoryMib: (figure) => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const kib = Number(new RegExp(`${figure}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0);
      return Math.round(kib / 102.4) / 10;
    },
    end: async (signal) => void (await end(signal)),
  };
}

const BATCH = 5000;
/** Several systems are opened at once on a busy machine. */
const PROVISION_MS = 300_000;

/** Provisions the topics, publishes tenant and zones, and waits for work. */
export async function openSystem(
  options: SystemOptions,
  tenant: TenantConfigured,
  zones: readonly ZoneDescribed[],
): Promise<DetectorSystem> {
  const { brokers, registryUrl, namespace, partitions, stateDir } = options;
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const connection: StreamOptions = {
    brokers,
    registryUrl,
    namespace,
    clientId: 'feeder',
    logger: silent,
  };
  const admin = await connectAdmin(connection);
  // On a busy machine a new partition may be without its leader for a while; provisioning goes on where it stood.
  await until(
    'the topics are there',
    async () => {
      await admin.provision(allTopics, { task: partitions, source: 4 });
      await admin.ends([topics.position]);
      return true;
    },
    { deadlineMs: PROVISION_MS },
  );
  const streams = await connectStreams(connection);
  const publisher = await streams.publisher([topics.tenantConfig, topics.zone, topics.position]);
  await publisher.send([
    {
      topic: topics.tenantConfig,
      key: tenant.tenant_id,
      message: { type: 'TenantConfigured', value: tenant },
    },
    ...zones.map((value): Outgoing => ({
      topic: topics.zone,
      key: taskKey(value.tenant_id, value.geofence_id),
      message: { type: 'ZoneDescribed', value },
    })),
  ]);

  const sumOfEnds = async (wanted: readonly Topic[]): Promise<number> => {
    const ends = await admin.ends(wanted);
    return [...ends.values()].reduce((sum, end) => sum + Number(end), 0);
  };

  return {
    start: () =>
      startDetector(
        {
          KAFKA_BROKERS: brokers.join(','),
          SCHEMA_REGISTRY_URL: registryUrl,
          KAFKA_NAMESPACE: namespace,
          STATE_DIR: stateDir,
          ...options.env,
        },
        options.nodeArguments ?? [],
      ),
    publish: async (records) => {
      for (let at = 0; at < records.length; at += BATCH) {
        await publisher.send(
          records.slice(at, at + BATCH).map((value) => ({
            topic: topics.position as Topic,
            key: taskKey(value.tenant_id, value.unit),
            message: { type: 'PositionRecorded', value },
          })),
        );
      }
    },
    progress: async (tenantId, t) => {
      const value = progress(t, { tenant_id: tenantId });
      await publisher.send(
        Array.from({ length: partitions }, (_, partition) => ({
          topic: topics.position as Topic,
          key: taskKey(tenantId, value.source_id),
          partition,
          message: { type: 'ProgressReached', value },
        })),
      );
    },
    published: () => sumOfEnds([topics.position]),
    outputs: async (wanted) => {
      const messages: Message[] = [];
      const next = new Map<string, bigint>();
      const runner = await streams.project({
        service: `reader-${Date.now()}`,
        inputs: wanted,
        store: {
          offsets: async () => next,
          advance: async (step, work) => {
            await work(undefined);
            next.set(`${step.topic}/${step.partition}`, step.next);
            return true;
          },
        },
        handle: async (records) => {
          for (const { message } of records) messages.push(message);
        },
      });
      const ends = await admin.ends(wanted);
      await until('all outputs are read', () => {
        const read = new Map(runner.positions().map((p) => [`${p.topic}/${p.partition}`, p.next]));
        return [...ends].every(([place, end]) => end === 0n || (read.get(place) ?? 0n) >= end);
      });
      await runner.stop();
      return messages;
    },
    close: async () => {
      await publisher.close();
      await streams.close();
      await admin.close();
    },
  };
}
