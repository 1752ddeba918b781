import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { reasonOf, stackFault } from './errors.ts';
import type { Jdk } from './jdk.ts';
import type { SupervisedCommand } from './supervision.ts';

const run = promisify(execFile);

export interface KafkaSettings {
  readonly jdk: Jdk;
  /** Folder with the jars. */
  readonly libraries: string;
  readonly dir: string;
  readonly port: number;
  readonly controllerPort: number;
  /** Node id, from 1; node 1 is the controller as well. */
  readonly node: number;
  /** How many brokers the cluster has: topics get that many replicas. */
  readonly brokers: number;
  /** The first node's, where there are several. */
  readonly clusterId?: string;
  /** Cheaper start for tests: no second compiler, no parallel collector. Never measure with it. */
  readonly fast: boolean;
}

/** Small and quick, but with production's semantics; node 1 is broker and controller at once. */
function serverProperties(settings: KafkaSettings): string {
  const broker = `PLAINTEXT://127.0.0.1:${settings.port}`;
  const controller = `127.0.0.1:${settings.controllerPort}`;
  const first = settings.node === 1;
  const listeners = first ? `${broker},CONTROLLER://${controller}` : broker;
  const replicas = settings.brokers;
  const inSync = Math.max(1, replicas - 1);
  return [
    `process.roles=${first ? 'broker,controller' : 'broker'}`,
    `node.id=${settings.node}`,
    `controller.quorum.bootstrap.servers=${controller}`,
    `listeners=${listeners}`,
    `advertised.listeners=${listeners}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=PLAINTEXT',
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    `log.dirs=${join(settings.dir, 'data')}`,
    // A mistyped topic must fail, not appear.
    'auto.create.topics.enable=false',
    `default.replication.factor=${replicas}`,
    `min.insync.replicas=${inSync}`,
    `offsets.topic.replication.factor=${replicas}`,
    'offsets.topic.num.partitions=4',
    `transaction.state.log.replication.factor=${replicas}`,
    `transaction.state.log.min.isr=${inSync}`,
    'transaction.state.log.num.partitions=4',
    `share.coordinator.state.topic.replication.factor=${replicas}`,
    `share.coordinator.state.topic.min.isr=${inSync}`,
    'share.coordinator.state.topic.num.partitions=1',
    'group.initial.rebalance.delay.ms=0',
    'group.min.session.timeout.ms=1000',
    // Transactions of a killed service end soon, so that its successor's readers go on.
    'transaction.abort.timed.out.transaction.cleanup.interval.ms=1000',
    'num.network.threads=2',
    'num.io.threads=4',
    // Log and database share a disk here: what the system writes back in one piece keeps commits waiting for 50 ms.
    'log.flush.interval.ms=1000',
    'log.flush.scheduler.interval.ms=500',
    'log.cleaner.backoff.ms=1000',
    // The default of 128 MiB would be a third of the heap.
    'log.cleaner.dedupe.buffer.size=16777216',
    '',
  ].join('\n');
}

/** A random cluster id as StorageTool makes it; a leading dash would read as an option. */
function newClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

/** Name of a broker among the processes and folders of a stack. */
export function brokerName(node: number): string {
  return node === 1 ? 'kafka' : `kafka-${node}`;
}

/** Id of the cluster whose node stands in `dir`; formatted before. */
export async function clusterIdOf(dir: string): Promise<string> {
  const text = await readFile(join(dir, 'data', 'meta.properties'), 'utf8');
  return /^cluster\.id=(.+)$/m.exec(text)?.[1] ?? '';
}

/** Writes the configuration, formats the data folder the first time and says how to start. */
export async function prepareKafka(settings: KafkaSettings): Promise<SupervisedCommand> {
  const { jdk, dir } = settings;
  const properties = join(dir, 'server.properties');
  const logFile = join(dir, 'kafka.log');
  const classPath = join(settings.libraries, '*');
  await mkdir(dir, { recursive: true });
  await writeFile(properties, serverProperties(settings));
  const formatted = await stat(join(dir, 'data', 'meta.properties')).catch(() => undefined);
  if (formatted === undefined) {
    const role = settings.node === 1 ? '--standalone' : '--no-initial-controllers';
    const tool = ['kafka.tools.StorageTool', 'format', role, '--ignore-formatted'];
    const jvm = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath];
    await run(jdk.java, [
      ...jvm,
      ...tool,
      '-t',
      settings.clusterId ?? newClusterId(),
      '-c',
      properties,
    ]).catch(async (error: unknown) => {
      const output = error instanceof Error ? error.message : reasonOf(error);
      await appendFile(logFile, output);
      throw stackFault('STACK_PART_FAILED', `kafka cannot format ${dir} [${logFile}]`, {
        cause: error,
      });
    });
  }
  const tuning = settings.fast
    ? ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
    : ['-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];
  return {
    name: brokerName(settings.node),
    program: jdk.java,
    args: [
      '-Xmx384m',
      ...tuning,
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-Dorg.slf4j.simpleLogger.showDateTime=true',
      '-cp',
      classPath,
      'kafka.Kafka',
      properties,
    ],
    cwd: dir,
    env: {},
    logFile,
    stopSignal: 'SIGTERM',
    stopTurn: 0,
  };
}

/** Metadata request, version 1, no topics; the client's name is "stack". All numbers big-endian. */
const METADATA_REQUEST = Buffer.concat([
  Buffer.from([0, 0, 0, 19]), // size of what follows
  Buffer.from([0, 3, 0, 1]), // api key 3, version 1
  Buffer.from([0, 0, 0, 7]), // correlation id
  Buffer.from([0, 5]), // length of the client's name
  Buffer.from('stack'),
  Buffer.from([0, 0, 0, 0]), // no topics
]);

/**
 * True when the broker answers a metadata request and lists itself. An open port alone is not enough:
 * it opens before the broker has joined its cluster.
 */
export async function kafkaAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(METADATA_REQUEST));
    let answer = Buffer.alloc(0);
    const finish = (ready: boolean): void => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(2_000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      // size, correlation id, number of brokers
      if (answer.length >= 12) finish(answer.readInt32BE(8) >= 1);
    });
  });
}
