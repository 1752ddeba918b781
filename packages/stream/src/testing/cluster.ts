import {
  topics as catalogue,
  type ElementRejected,
  type Message,
  type Topic,
} from '@waybill/contracts';
import { testNamespace, testStack, until, type TestStack } from '@waybill/testkit';
import { connectAdmin } from '../admin.ts';
import type { Internals } from '../environment.ts';
import { openAdmin, openKafka, openProducer, sendRound } from '../client.ts';
import { partitionFor } from '../partition.ts';
import type { Runner, StreamAdmin, StreamLogger, StreamOptions, Streams } from '../port.ts';
import { BatchWriter } from '../record-batch/batch-writer.ts';
import { connectStreams } from '../streams.ts';

/** Topics of the tests: small values, all partitionings. Only the contracts come from the catalogue. */
export const topics = {
  input: testTopic('test.input.event.v1', { compacted: false }),
  other: testTopic('test.other.event.v1', { compacted: false }),
  output: testTopic('test.output.event.v1', { compacted: false }),
  state: testTopic('test.unit.state.v1', { compacted: true }),
  table: testTopic('test.setting.state.v1', { compacted: true, partitioning: 'single' }),
  cursor: testTopic('test.cursor.state.v1', { compacted: true, partitioning: 'source' }),
  windows: testTopic('test.window.state.v1', { compacted: true }),
  asset: { ...catalogue.asset, name: 'test.asset.state.v1' },
  alert: { ...catalogue.providerAlert, name: 'test.alert.event.v1' },
  reworkCommand: { ...catalogue.detectorRework, name: 'test.rework.command.v1' },
  reworkState: { ...catalogue.detectorReworkState, name: 'test.rework.state.v1' },
  deadLetter: { ...catalogue.detectorDeadLetter, name: 'test.dead-letter.v1' },
} as const;

function testTopic(
  name: string,
  settings: Partial<Pick<Topic, 'compacted' | 'partitioning'>>,
): typeof catalogue.detectorUnit {
  return { ...catalogue.detectorUnit, ...settings, name };
}

/** A message that carries a text. */
export function text(
  value: string,
): Message<'UnitStateSaved', { layout: number; payload: Buffer }> {
  return { type: 'UnitStateSaved', value: { layout: 1, payload: Buffer.from(value) } };
}

/** The text of a message made by `text`. */
export function textOf(message: Message | null | undefined): string {
  if (!message) return '';
  return (message.value as { payload: Buffer }).payload.toString();
}

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger that remembers; TEST_LOG=1 prints as well. */
export function memoryLogger(): StreamLogger & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const level = (name: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level: name, message, fields: { ...fields } });
    if (process.env['TEST_LOG']) {
      process.stderr.write(`${name} ${message} ${JSON.stringify(fields)}\n`);
    }
  };
  return { lines, info: level('info'), warn: level('warn'), error: level('error') };
}

export interface TestCluster {
  readonly stack: TestStack;
  /** A namespace of its own with all test topics, and connections to it. */
  readonly system: () => Promise<TestSystem>;
  readonly stop: () => Promise<void>;
}

export interface TestSystem {
  readonly options: StreamOptions;
  readonly logger: ReturnType<typeof memoryLogger>;
  readonly admin: StreamAdmin;
  /** One more connection, as another process would have it. */
  readonly connect: (extra?: Partial<StreamOptions>, internals?: Internals) => Promise<Streams>;
  /** Committed records of a topic, oldest first per partition, as "key=text". */
  readonly read: (topic: Topic) => Promise<readonly string[]>;
  /** Writes bytes that no codec made into the partition of `key`; default: garbage into the input. */
  readonly poison: (key: string, topic?: Topic, value?: Buffer) => Promise<void>;
  readonly deadLetters: () => Promise<readonly ElementRejected[]>;
  readonly close: () => Promise<void>;
}

export const PARTITIONS = { task: 4, source: 2 } as const;

/** True when the runner's positions are the ends of its inputs: nothing is left to read. */
export async function atEnd(
  { admin }: { readonly admin: StreamAdmin },
  runner: Runner,
  inputs: readonly Topic[] = [topics.input],
): Promise<boolean> {
  if (!runner.ready()) return false;
  const ends = await admin.ends(inputs);
  const next = new Map(runner.positions().map((p) => [`${p.topic}/${p.partition}`, p.next]));
  return [...ends].every(([place, end]) => next.get(place) === end);
}

export async function openTestCluster(
  parts: Parameters<typeof testStack>[0] = { postgres: false },
): Promise<TestCluster> {
  const stack = await testStack(parts);
  const systems: TestSystem[] = [];
  return {
    stack,
    system: async () => {
      const system = await openSystem(stack);
      systems.push(system);
      return system;
    },
    // Also of tests that failed half-way: an open runner would keep the process alive.
    stop: async () => {
      await Promise.all(systems.map((system) => system.close()));
      await stack.stop();
      await noOpenSockets();
    },
  };
}

/** Fails when a connection is left that would keep the process alive; idle HTTP ones do not. */
export async function noOpenSockets(): Promise<void> {
  const left = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  await until('all connections are closed', () => left() === 0, { deadlineMs: 10_000 });
}

async function openSystem(stack: TestStack): Promise<TestSystem> {
  const logger = memoryLogger();
  const namespace = testNamespace();
  const options: StreamOptions = {
    brokers: stack.kafka.brokers,
    registryUrl: stack.registry.url,
    clientId: 'test',
    namespace,
    logger,
  };
  const admin = await connectAdmin(options);
  try {
    await admin.provision(Object.values(topics), PARTITIONS);
  } catch (error) {
    await admin.close();
    throw error;
  }
  const open: Streams[] = [];
  const connect = async (
    extra: Partial<StreamOptions> = {},
    internals?: Internals,
  ): Promise<Streams> => {
    const streams = await connectStreams({ ...options, ...extra }, internals);
    open.push(streams);
    return streams;
  };
  /**
   * The broker confirms a commit before its markers stand in the partitions; until then readers end
   * before the transaction. A transaction that stays open only costs the wait.
   */
  async function markersWritten(topic: Topic): Promise<void> {
    const client = openAdmin(openKafka(options));
    await client.connect();
    const isStable = async (): Promise<boolean> => {
      const [ends, stable] = await Promise.all([
        admin.ends([topic]),
        client.fetchTopicOffsets(`${namespace}${topic.name}`),
      ]);
      return stable.every((p) => BigInt(p.offset) === ends.get(`${topic.name}/${p.partition}`));
    };
    await until('markers are written', isStable, { deadlineMs: 2_000 }).catch(() => undefined);
    await client.disconnect();
  }
  return {
    options,
    logger,
    admin,
    connect,
    read: async (topic) => {
      await markersWritten(topic);
      const found: string[] = [];
      const streams = await connect();
      const { stop } = await streams.follow([topic], (_topic, key, message) => {
        found.push(`${key}=${textOf(message)}`);
      });
      await stop();
      await streams.close();
      return found;
    },
    poison: async (key, topic = topics.input, value = Buffer.from('not framed')) => {
      const producer = openProducer(openKafka(options));
      await producer.connect();
      const partition = partitionFor(key, PARTITIONS.task);
      const batch = new BatchWriter(partition);
      batch.append(key, value);
      await sendRound(producer, [{ topic: `${namespace}${topic.name}`, batches: [batch] }]);
      await producer.disconnect();
    },
    deadLetters: async () => {
      await markersWritten(topics.deadLetter);
      const letters: ElementRejected[] = [];
      const streams = await connect();
      await streams.follow([topics.deadLetter], (_topic, _key, message) => {
        if (message) letters.push(message.value as ElementRejected);
      });
      await streams.close();
      return letters;
    },
    close: async () => {
      await Promise.all(open.splice(0).map((streams) => streams.close()));
      await admin.close();
    },
  };
}
