import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isFault } from '@waybill/fault';
import { stackFault } from './errors.ts';
import { defaultHome, startStack } from './stack.ts';

const USAGE = `Starts Kafka, a schema registry and PostgreSQL on this machine and keeps them up until Ctrl-C.

  --dir <folder>          data and logs, kept between runs   (default <WAYBILL_HOME>/stack)
  --kafka-port <n>        default 9092; 0 = any free
  --registry-port <n>     default 8081; 0 = any free
  --postgres-port <n>     default 5432; 0 = any free
  --free-ports            any free port for all three
  --without <part>        kafka, registry or postgres; may be given again
  --help
`;

const PARTS = ['kafka', 'registry', 'postgres'] as const;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function readOptions(): {
  dir: string;
  ports: Record<(typeof PARTS)[number], number>;
  without: readonly string[];
} {
  const { values } = parseArgs({
    options: {
      dir: { type: 'string', default: join(defaultHome(), 'stack') },
      'kafka-port': { type: 'string', default: '9092' },
      'registry-port': { type: 'string', default: '8081' },
      'postgres-port': { type: 'string', default: '5432' },
      'free-ports': { type: 'boolean', default: false },
      without: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    say(USAGE);
    process.exit(0);
  }
  const port = (part: (typeof PARTS)[number]): number => {
    const number = Number(values[`${part}-port`]);
    if (!Number.isInteger(number) || number < 0 || number > 65_535) {
      throw stackFault('STACK_OPTION', `--${part}-port must be 0 to 65535`);
    }
    return values['free-ports'] ? 0 : number;
  };
  const wrong = values.without.find((part) => !PARTS.some((known) => known === part));
  if (wrong !== undefined) {
    throw stackFault('STACK_OPTION', `--without ${wrong}: parts are ${PARTS.join(', ')}`);
  }
  return {
    dir: values.dir,
    ports: { kafka: port('kafka'), registry: port('registry'), postgres: port('postgres') },
    without: values.without,
  };
}

async function main(): Promise<void> {
  const { dir, ports, without } = readOptions();
  const on = (part: string): boolean => !without.includes(part);
  // While the servers start, ending is enough: the supervisor notices and ends them.
  let stop = async (): Promise<void> => process.exit(130);
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => void stop().then(resolve));
    }
  });
  const stack = await startStack({
    dir,
    ports,
    log: say,
    kafka: on('kafka'),
    registry: on('registry'),
    postgres: on('postgres'),
  });
  stop = stack.stop;
  say('');
  if (on('kafka')) say(`  export KAFKA_BROKERS=${stack.kafka.brokers.join(',')}`);
  if (on('registry')) say(`  export SCHEMA_REGISTRY_URL=${stack.registry.url}`);
  if (on('postgres')) say(`  PostgreSQL                 ${stack.postgres.adminUrl}`);
  say(`\nData and logs are in ${dir}. Ctrl-C stops all; the next start goes on with the data.`);
  const alive = setInterval(() => undefined, 1 << 30);
  await stopped;
  clearInterval(alive);
  say('stopped');
}

await main().catch((error: unknown) => {
  const usage = error instanceof Error && 'code' in error && String(error.code).includes('ARGS');
  if (!isFault(error) && !usage) throw error;
  process.stderr.write(`stack: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = usage || (isFault(error) && error.kind === 'misconfigured') ? 78 : 1;
});
