import type { Topic } from '@waybill/contracts';
import { openKafka } from './client.ts';
import { createCodecs } from './codec.ts';
import { silent, type Environment, type Internals } from './environment.ts';
import { unreachable } from './errors.ts';
import { extract } from './extract.ts';
import { createOffsetLookup } from './offsets.ts';
import type { Publisher, Runner, StreamOptions, Streams } from './port.ts';
import { project } from './project.ts';
import { openPublisher } from './publisher.ts';
import { openRegistry } from './registry.ts';
import { createStateLedger } from './state-ledger.ts';
import { createUncommitted } from './uncommitted.ts';
import { openTables } from './tables.ts';
import { transact } from './transact.ts';

const STUCK_AFTER_MS = 60_000;

/**
 * Connects to the log. Throws a Fault `BROKER_UNAVAILABLE` when no broker answers; contracts are looked
 * up in the registry when a topic is first used.
 */
export async function connectStreams(
  options: StreamOptions,
  internals: Internals = {},
): Promise<Streams> {
  const namespace = options.namespace ?? '';
  const open = (): ReturnType<typeof openKafka> =>
    openKafka({ ...options, route: internals.route });
  const metrics = options.metrics ?? silent.metrics;
  const environment: Environment = {
    namespace,
    logger: options.logger,
    metrics,
    tracing: options.tracing ?? silent.tracing,
    codecs: createCodecs(openRegistry(options.registryUrl), namespace),
    openKafka: open,
    offsets: createOffsetLookup(open, namespace),
    ledger: createStateLedger(options.state, metrics),
    uncommitted: createUncommitted(),
    stuckAfterMs: internals.stuckAfterMs ?? STUCK_AFTER_MS,
  };
  const closers = new Set<() => Promise<void>>();

  function keep(close: () => Promise<void>): () => Promise<void> {
    const once = async (): Promise<void> => {
      closers.delete(once);
      await close();
    };
    closers.add(once);
    return once;
  }

  function keepRunner(runner: Runner): Runner {
    return { ...runner, stop: keep(runner.stop) };
  }

  try {
    await environment.offsets.partitionCounts([]);
  } catch (error) {
    await environment.offsets.close();
    throw unreachable(options.brokers, error);
  }

  return {
    transact: async (wanted) => keepRunner(await transact(environment, wanted)),
    project: async (wanted) => keepRunner(await project(environment, wanted)),
    extract: async (wanted) => keepRunner(await extract(environment, wanted)),
    publisher: async (topics): Promise<Publisher> => {
      const { send, close } = await openPublisher(environment, topics);
      return { send, close: keep(close) };
    },
    follow: async (topics, onTable) => {
      const tableTopics: readonly Topic[] = topics;
      await environment.codecs.bind(tableTopics);
      const tables = await openTables(environment, tableTopics, ({ topic, key, message }) => {
        onTable?.(topic, key, message);
      });
      tables.done.catch((error: unknown) => {
        options.logger.error({ detail: String(error) }, 'table.reading_ended');
      });
      return { tables: tables.reader, stop: keep(tables.stop) };
    },
    close: async () => {
      await Promise.all([...closers].map((close) => close()));
      await environment.offsets.close();
    },
  };
}
