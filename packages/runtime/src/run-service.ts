import { Fault, toFault } from '@waybill/fault';
import type { ConfigReader, ConfigRow } from './define-config.ts';
import { serveHealth, type HealthPosition, type HealthServer, type Routes } from './health.ts';
import { createLogger, stdout, type LogLevel, type Logger, type LogOutput } from './logger.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { startTracing, type Tracing } from './tracing.ts';

const STOP_DEADLINE_MS = 15_000;
const PARENT_CHECK_MS = 1000;

/** sysexits.h: what a supervisor can tell apart. */
const EXIT = { ok: 0, failed: 1, usage: 64, misconfigured: 78 } as const;

/** The part of the configuration that the process itself needs; `processConfig` declares it. */
export interface ProcessSettings {
  readonly HTTP_HOST: string;
  readonly HTTP_PORT: number;
  readonly LOG_LEVEL: LogLevel;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly WAYBILL_PARENT_PID?: number | undefined;
}

/** What a service gets from its process. */
export interface ServiceContext<C> {
  readonly config: C;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  /** Aborts when the process begins to stop, also while the service still starts. */
  readonly stopping: AbortSignal;
}

/** A service that runs; `createService` of each service returns one. */
export interface RunningService {
  readonly health: () => {
    readonly ready: boolean;
    readonly positions: readonly HealthPosition[];
    readonly extra?: Readonly<Record<string, unknown>> | undefined;
  };
  readonly routes?: Routes;
  /** Resolves when the service stopped in order; rejects with what ended it. */
  readonly done: Promise<void>;
  /** Stops fetching, drains what is in flight, commits, closes. Called at most once. */
  readonly stop: () => Promise<void>;
  /** Facts for the `service.started` line, such as a further port. */
  readonly started?: Readonly<Record<string, unknown>>;
}

export interface ServiceDefinition<C extends ProcessSettings> {
  readonly name: string;
  readonly config: ConfigReader<C>;
  readonly start: (context: ServiceContext<C>) => Promise<RunningService>;
  /** Share of batches without a sampled record that start a trace; default all. */
  readonly batchRatio?: (config: C) => number;
}

/**
 * The life of a service process, the same for all.
 *
 * starting → running → stopping → exit. Start order: configuration, logger, metrics, tracing, HTTP,
 * service; stop is the reverse. A signal, the parent's death, a closed output pipe or the end of `done`
 * lead to stopping, which has 15 s. Exit 0 after an orderly stop, 78 for a misconfiguration, 64 for an
 * unknown argument, 1 for anything else. Invariant: exactly one of `service.stopped` and
 * `service.failed` is the last line.
 */
export async function runService<C extends ProcessSettings>(
  definition: ServiceDefinition<C>,
): Promise<void> {
  answerArguments(definition);
  const output = stdout();
  const exit = async (code: number): Promise<never> => {
    await written(output);
    process.exit(code);
  };
  const early = createLogger({ service: definition.name, level: 'info', destination: output });
  const failed = (logger: Logger, error: unknown): Promise<never> => {
    const fault = toFault(error, 'start');
    const unexpected = fault.kind === 'bug' ? { err: fault.cause ?? fault } : {};
    const { kind, code, stage, message } = fault;
    logger.fatal({ kind, code, stage, message, ...unexpected }, 'service.failed');
    return exit(kind === 'misconfigured' ? EXIT.misconfigured : EXIT.failed);
  };

  let config: C;
  try {
    config = definition.config.readConfig(process.env);
  } catch (error) {
    return failed(early, error);
  }
  const { name } = definition;
  const logger = createLogger({ service: name, level: config.LOG_LEVEL, destination: output });
  process.on('uncaughtException', (error) => void failed(logger, error));
  process.on('unhandledRejection', (error) => void failed(logger, error));

  const stop = stopSignal(config.WAYBILL_PARENT_PID);
  // Whoever read our lines is gone. Without a reader there is nobody to serve either.
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') stop.request('output closed');
  });
  try {
    await live(definition, config, logger, stop);
  } catch (error) {
    return failed(logger, error);
  }
  return exit(EXIT.ok);
}

const WRITE_DEADLINE_MS = 500;

/**
 * Resolves when all lines are written, in order: a synchronous flush would overtake a write that is
 * under way. A reader that does not read must not hold the process.
 */
async function written(output: LogOutput): Promise<void> {
  await new Promise<void>((resolve) => {
    output.once('close', resolve);
    output.once('error', () => resolve());
    setTimeout(resolve, WRITE_DEADLINE_MS);
    output.end();
  });
}

interface StopSignal {
  readonly signal: AbortSignal;
  readonly request: (reason: string) => void;
  readonly requested: Promise<void>;
}

function stopSignal(parent: number | undefined): StopSignal {
  const controller = new AbortController();
  const { signal } = controller;
  const request = (reason: string): void => {
    if (!signal.aborted) controller.abort(reason);
  };
  const requested = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve());
  });
  // A terminal's Ctrl-C and the parent's SIGTERM come together, so repeats are not impatience.
  process.on('SIGTERM', request);
  process.on('SIGINT', request);
  if (parent !== undefined) {
    setInterval(() => {
      if (!isAlive(parent)) request('parent gone');
    }, PARENT_CHECK_MS).unref();
  }
  return { signal, request, requested };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function live<C extends ProcessSettings>(
  definition: ServiceDefinition<C>,
  config: C,
  logger: Logger,
  stop: StopSignal,
): Promise<void> {
  const { name } = definition;
  const metrics = createMetrics(name);
  const tracing = startTracing({
    service: name,
    endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
    batchRatio: definition.batchRatio?.(config) ?? 1,
  });
  let service: RunningService | undefined;
  const http = await serveHealth({
    host: config.HTTP_HOST,
    port: config.HTTP_PORT,
    metrics,
    health: () => ({ service: name, ready: false, positions: [], ...service?.health() }),
    routes: () => service?.routes ?? {},
  });
  logger.info({ port: http.port }, 'service.listening');
  const started = performance.now();
  try {
    service = await untilStopped(
      definition.start({ config, logger, metrics, tracing, stopping: stop.signal }),
      stop,
    );
    if (service !== undefined) {
      const facts = { port: http.port, pid: process.pid, ...service.started };
      const start_ms = Math.round(performance.now() - started);
      logger.info(
        { ...facts, start_ms, config: definition.config.redact(config) },
        'service.started',
      );
      await Promise.race([service.done, stop.requested]);
    }
  } catch (error) {
    metrics.error(toFault(error, 'start'));
    // What ended the service matters more than trouble while leaving.
    await stopInOrder(service, http, tracing).catch((late: unknown) => {
      logger.warn({ err: late }, 'service.stop_incomplete');
    });
    throw error;
  }
  const stopping = performance.now();
  await stopInOrder(service, http, tracing);
  const reason = stop.signal.aborted ? String(stop.signal.reason) : 'done';
  logger.info({ reason, duration_ms: Math.round(performance.now() - stopping) }, 'service.stopped');
}

/** The started service; undefined when the process was told to stop and the start gave up. */
async function untilStopped(
  starting: Promise<RunningService>,
  stop: StopSignal,
): Promise<RunningService | undefined> {
  const gaveUp = stop.requested.then(() => deadline(starting));
  try {
    return await Promise.race([starting, gaveUp]);
  } catch (error) {
    if (stop.signal.aborted) return undefined;
    throw error;
  }
}

async function stopInOrder(
  service: RunningService | undefined,
  http: HealthServer,
  tracing: Tracing,
): Promise<void> {
  await deadline(
    (async () => {
      await service?.stop();
      // A `done` that rejects because of the stop itself is a failed stop.
      await service?.done;
      await http.close();
      await tracing.stop();
    })(),
  );
}

async function deadline<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new Fault(`expected the service to stop within ${STOP_DEADLINE_MS} ms, it still runs`, {
          kind: 'bug',
          code: 'STOP_DEADLINE',
          stage: 'commit',
        }),
      );
    }, STOP_DEADLINE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** `--help` prints the variables; services take no other argument. */
function answerArguments<C extends ProcessSettings>(definition: ServiceDefinition<C>): void {
  const [argument] = process.argv.slice(2);
  if (argument === undefined) return;
  if (argument === '--help') {
    process.stdout.write(`${usage(definition.name, definition.config.describe())}\n`);
    process.exit(EXIT.ok);
  }
  process.stderr.write(
    `${definition.name}: unknown argument ${argument}; a service is configured by environment variables, --help lists them\n`,
  );
  process.exit(EXIT.usage);
}

function usage(name: string, rows: readonly ConfigRow[]): string {
  const lines = rows.map((row) => {
    const unit = row.unit === '' ? '' : ` [${row.unit}]`;
    return `  ${row.name} (${row.default})${unit}\n      ${row.meaning}`;
  });
  return [`${name} is configured by environment variables (default in brackets):`, ...lines].join(
    '\n',
  );
}
