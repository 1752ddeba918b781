import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, stat, writeFile } from 'node:fs/promises';
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
  /** Cheaper start for tests: no second compiler, no parallel collector. Never measure with it. */
  readonly fast: boolean;
}

/** One node, broker and controller at once; small and quick, but with production's semantics. */
function serverProperties(settings: KafkaSettings): string {
  const broker = `127.0.0.1:${settings.port}`;
  const controller = `127.0.0.1:${settings.controllerPort}`;
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.bootstrap.servers=${controller}`,
    `listeners=PLAINTEXT://${broker},CONTROLLER://${controller}`,
    `advertised.listeners=PLAINTEXT://${broker},CONTROLLER://${controller}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=PLAINTEXT',
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    `log.dirs=${join(settings.dir, 'data')}`,
    // A mistyped topic must fail, not appear.
    'auto.create.topics.enable=false',
    'default.replication.factor=1',
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=4',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'transaction.state.log.num.partitions=4',
    'share.coordinator.state.topic.replication.factor=1',
    'share.coordinator.state.topic.min.isr=1',
    'share.coordinator.state.topic.num.partitions=1',
    'group.initial.rebalance.delay.ms=0',
    'group.min.session.timeout.ms=1000',
    // Transactions of a killed service end soon, so that its successor's readers go on.
    'transaction.abort.timed.out.transaction.cleanup.interval.ms=1000',
    'num.network.threads=2',
    'num.io.threads=4',
    'log.cleaner.backoff.ms=1000',
    // The default of 128 MiB would be a third of the heap.
    'log.cleaner.dedupe.buffer.size=16777216',
    '',
  ].join('\n');
}

/** A random cluster id as StorageTool makes it; a leading dash would read as an option. */
function clusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
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
    const tool = ['kafka.tools.StorageTool', 'format', '--standalone', '--ignore-formatted'];
    const jvm = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath];
    await run(jdk.java, [...jvm, ...tool, '-t', clusterId(), '-c', properties]).catch(
      async (error: unknown) => {
        const output = error instanceof Error ? error.message : reasonOf(error);
        await appendFile(logFile, output);
        throw stackFault('STACK_PART_FAILED', `kafka cannot format ${dir} [${logFile}]`, {
          cause: error,
        });
      },
    );
  }
  const tuning = settings.fast
    ? ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
    : ['-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];
  return {
    name: 'kafka',
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
