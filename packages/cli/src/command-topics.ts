import { Command, InvalidArgumentError, Option } from 'commander';
import { allTopics } from '@waybill/contracts';
import { connectAdmin } from '@waybill/stream';
import { EXIT } from './exit-code.ts';
import type { Run } from './run.ts';
import { clusterOf, type ClusterOptions, withCluster } from './settings.ts';

interface Options extends ClusterOptions {
  readonly taskPartitions: number;
  readonly sourcePartitions: number;
}

const MOST_PARTITIONS = 10_000;

const silence = (): void => undefined;

function partitions(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MOST_PARTITIONS) return count;
  throw new InvalidArgumentError(`expected a whole number from 1 to ${MOST_PARTITIONS}.`);
}

function applyCommand(run: Run): Command {
  const command = new Command('apply').description(
    'create missing topics and register all contracts; safe to repeat',
  );
  return withCluster(command)
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
          ...clusterOf(options),
          clientId: 'waybill-cli',
          // What goes wrong is thrown; the client's own complaints before it would be a second, unclear line.
          logger: { info: silence, warn: silence, error: silence },
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
