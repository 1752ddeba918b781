import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BODY_OFFSET, type ElementRejected, type Topic } from '@waybill/contracts';
import { createMemoryLog, until } from '@waybill/testkit';
import { openKafka } from '../../client.ts';
import { compact, deleteBefore } from '../log-upkeep.ts';
import { silent } from '../../environment.ts';
import { partitionFor } from '../../partition.ts';
import type { Runner, StateOptions, StreamAdmin, Streams } from '../../port.ts';
import { openRegistry } from '../../registry.ts';
import { createTransactor } from '../../transaction.ts';
import {
  memoryLogger,
  openTestCluster,
  PARTITIONS,
  textOf,
  topics,
  type LogLine,
} from '../cluster.ts';

/** An implementation of the port under the contract suite, with topics of its own. */
export interface System {
  readonly admin: StreamAdmin;
  /** One more connection, as another process on another machine would have it. */
  readonly connect: (state?: StateOptions) => Promise<Streams>;
  /** Waits for a condition; moves the log and its clock where they do not move by themselves. */
  readonly until: (what: string, condition: () => Promise<boolean> | boolean) => Promise<void>;
  /** Its time, ms since epoch. */
  readonly now: () => number;
  /** Committed records of a topic, oldest first per partition, as "key=text". */
  readonly read: (topic: Topic) => Promise<readonly string[]>;
  readonly letters: () => Promise<readonly ElementRejected[]>;
  /** Writes bytes that no codec made into the partition of `key`. */
  readonly poison: (key: string, topic: Topic) => Promise<void>;
  /** Registers a schema for the input and writes a record with it; `body` is its Avro bytes. */
  readonly writeWith: (schemaText: string, key: string, body: Buffer) => Promise<void>;
  /** What retention does: the records of a partition before the offset are gone. */
  readonly deleteBefore: (topic: Topic, partition: number, offset: bigint) => Promise<void>;
  /** What compaction does to state: older values are gone when it resolves; may add the key "filler". */
  readonly compact: (topic: Topic) => Promise<void>;
  /** Another owner takes the transactional id of this partition. */
  readonly fence: (service: string, partition: number) => Promise<void>;
  readonly lines: readonly LogLine[];
  readonly close: () => Promise<void>;
}

/** Where a schema of the input topic stands: by the topic and its own full name. */
function subjectIn(schemaText: string): string {
  const { namespace, name } = JSON.parse(schemaText) as { namespace: string; name: string };
  return `${topics.input.name}-${namespace}.${name}`;
}

/** Avro bytes in the registry's framing. */
function framed(schemaId: number, body: Buffer): Buffer {
  const head = Buffer.alloc(BODY_OFFSET);
  head.writeUInt32BE(schemaId, 1);
  return Buffer.concat([head, body]);
}

/** Opens systems; one per test. */
export interface Systems {
  readonly open: () => Promise<System>;
  readonly stop: () => Promise<void>;
}

export async function openBrokerSystems(): Promise<Systems> {
  const cluster = await openTestCluster();
  return {
    stop: cluster.stop,
    open: async () => {
      const system = await cluster.system();
      const { options } = system;
      const namespace = options.namespace ?? '';
      const directories: string[] = [];
      return {
        admin: system.admin,
        connect: (state) => {
          const directory = mkdtempSync(join(tmpdir(), 'waybill-contract-'));
          directories.push(directory);
          return system.connect({ state: { directory, ...state } });
        },
        until: async (what, condition) => void (await until(what, condition)),
        now: Date.now,
        read: system.read,
        letters: system.deadLetters,
        poison: system.poison,
        writeWith: async (schemaText, key, body) => {
          const registry = openRegistry(options.registryUrl);
          const id = await registry.register(`${namespace}${subjectIn(schemaText)}`, schemaText);
          await system.poison(key, topics.input, framed(id, body));
        },
        deleteBefore: (topic, partition, offset) => deleteBefore(options, topic, partition, offset),
        compact: (topic) => compact(system, topic),
        fence: async (service, partition) => {
          const intruder = createTransactor(
            // Fencing needs the client and the name only.
            { ...silent, namespace, openKafka: () => openKafka(options) } as never,
            `${namespace}${service}-${partition}`,
          );
          await intruder.fence();
          await intruder.close();
        },
        lines: system.logger.lines,
        close: async () => {
          await system.close();
          for (const directory of directories) rmSync(directory, { recursive: true });
        },
      };
    },
  };
}

/** Steps of one second: far more than any retry of the log needs. */
const MAX_STEPS = 300;

/** Systems without a broker: only `until` moves them. */
export async function openMemorySystems(): Promise<Systems> {
  return {
    stop: async () => undefined,
    open: async () => {
      const log = createMemoryLog();
      const logger = memoryLogger();
      await log.admin.provision(Object.values(topics), PARTITIONS);
      const open: Streams[] = [];
      return {
        admin: log.admin,
        connect: async (state) => {
          const streams = log.connect({ logger, ...(state && { state }) });
          open.push(streams);
          return streams;
        },
        until: async (what, condition) => {
          await log.engine.settle();
          for (let step = 0; !(await condition()); step += 1) {
            if (step > MAX_STEPS) throw new Error(`in vain: ${what}`);
            await log.engine.advance(1_000);
          }
        },
        now: log.engine.now,
        read: async (topic) =>
          (await log.read(topic)).map(({ key, message }) => `${key}=${textOf(message)}`),
        letters: async () =>
          (await log.read(topics.deadLetter)).flatMap(
            // The topic has one contract.
            ({ message }) => (message ? [message.value as ElementRejected] : []),
          ),
        poison: async (key, topic) => {
          const partition = partitionFor(key, PARTITIONS.task);
          const value = Buffer.from('not framed');
          log.inject({ topic: topic.name, partition, key, value, headers: {} });
        },
        writeWith: async (schemaText, key, body) => {
          const id = await log.registry.register(subjectIn(schemaText), schemaText);
          const partition = partitionFor(key, PARTITIONS.task);
          const value = framed(id, body);
          log.inject({ topic: topics.input.name, partition, key, value, headers: {} });
        },
        deleteBefore: async (topic, partition, offset) =>
          log.deleteBefore(topic, partition, offset),
        compact: async (topic) => log.compact(topic),
        fence: async (service, partition) => log.crashes.fence(service, partition),
        lines: logger.lines,
        close: async () => {
          await Promise.all(open.map((streams) => streams.close()));
        },
      };
    },
  };
}

/** The Fault that ends the runner. */
export async function failureOf(system: System, runner: Runner): Promise<unknown> {
  let failure: unknown;
  runner.done.catch((error: unknown) => {
    failure = error;
  });
  await system.until('the runner ended', () => failure !== undefined);
  return failure;
}

/** Runs a test on a system of its own and closes it, also when the test fails. */
export async function withSystem(
  systems: () => Systems,
  work: (system: System) => Promise<void>,
): Promise<void> {
  const system = await systems().open();
  try {
    await work(system);
  } finally {
    await system.close();
  }
}
