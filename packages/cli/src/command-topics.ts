import { Command, InvalidArgumentError, Option } from 'commander';
import { allTopics } from '@waybill/contracts';
import { connectAdmin } from '@waybill/stream';
import { EXIT } from './exit-code.ts';
import type { Run } from './run.ts';

interface Options {
  readonly brokers: string;
  readonly registry: string;
  readonly namespace: string;
  readonly taskPartitions: number;
  readonly sourcePartitions: number;
}

const MOST_PARTITIONS = 10_000;

function partitions(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MOST_PARTITIONS) return count;
  throw new InvalidArgumentError(`expected a whole number from 1 to ${MOST_PARTITIONS}.`);
}

function applyCommand(run: Run): Command {
  return new Command('apply')
    .description('create missing topics and register all contracts; safe to repeat')
    .addOption(
      new Option('--brokers <list>', 'brokers, host:port,…')
        .env('KAFKA_BROKERS')
        .default('127.0.0.1:9092'),
    )
    .addOption(
      new Option('--registry <url>', 'Confluent-compatible API of the schema registry')
        .env('SCHEMA_REGISTRY_URL')
        .default('http://127.0.0.1:8081/apis/ccompat/v7'),
    )
    .addOption(
      new Option('--namespace <prefix>', 'prefix of topics and subjects')
        .env('KAFKA_NAMESPACE')
        .default(''),
    )
    .addOption(
      new Option('--task-partitions <n>', 'partitions of task-keyed topics, fixed for life')
        .env('KAFKA_TASK_PARTITIONS')
        .default(8)
        .argParser(partitions),
    )
    .addOption(
      new Option('--source-partitions <n>', 'partitions of raw topics')
        .default(4)
        .argParser(partitions),
    )
    .addHelpText(
      'after',
      '\nExample:\n  waybill topics apply --brokers kafka-1:9092,kafka-2:9092 --task-partitions 48',
    )
    .action((options: Options) =>
      run(async (terminal) => {
        const admin = await connectAdmin({
          brokers: options.brokers.split(',').map((broker) => broker.trim()),
          registryUrl: options.registry,
          namespace: options.namespace,
          clientId: 'waybill-cli',
          logger: {
            info: () => undefined,
            warn: (_fields, message) => terminal.err(message),
            error: (_fields, message) => terminal.err(message),
          },
        });
        try {
          const { taskPartitions: task, sourcePartitions: source } = options;
          await admin.provision(allTopics, { task, source });
        } finally {
          await admin.close();
        }
        terminal.out(`${allTopics.length} topics and their contracts are in place`);
        return EXIT.ok;
      }),
    );
}

/** `waybill topics apply`. */
export function topicsCommand(run: Run): Command {
  return new Command('topics')
    .description('provision topics and contracts')
    .addCommand(applyCommand(run));
}
