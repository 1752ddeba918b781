import { type Command, Option } from 'commander';

/** Addresses as docker compose publishes them. */
export function consoleOption(): Option {
  return new Option('--console <url>', 'address of the console')
    .env('CONSOLE_URL')
    .default('http://127.0.0.1:8090');
}

export function reconcilerOption(): Option {
  return new Option('--reconciler <url>', 'address of the reconciler')
    .env('RECONCILER_URL')
    .default('http://127.0.0.1:8091');
}

export function jsonOption(): Option {
  return new Option('--json', 'print the answer as one JSON object');
}

export interface ClusterOptions {
  readonly brokers: string;
  readonly registry: string;
  readonly namespace: string;
}

/** The options of commands that read or change the log themselves. */
export function withCluster(command: Command): Command {
  return command
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
    );
}

/** The cluster of these options as the stream core takes it. */
export function clusterOf({ brokers, registry, namespace }: ClusterOptions): {
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly namespace: string;
} {
  const list = brokers.split(',').map((broker) => broker.trim());
  return { brokers: list, registryUrl: registry, namespace };
}
