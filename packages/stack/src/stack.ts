import { readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { startBrokers, type LocalBroker } from './brokers.ts';
import { claimDir, type DirClaim } from './claim.ts';
import { needSpace, prepareDataDir } from './data-dir.ts';
import { stackFault } from './errors.ts';
import { findJdk, type Jdk } from './jdk.ts';
import { kafkaLibraries, registryHome } from './maven.ts';
import { claimPort, preferPort } from './ports.ts';
import {
  createDatabase,
  LOCAL_PASSWORD,
  LOCAL_USER,
  postgresAnswers,
  postgresUrl,
  preparePostgres,
} from './postgres.ts';
import { postgresPrograms } from './postgres-programs.ts';
import { prepareRegistry, registryAnswers, registryUrl } from './registry.ts';
import { supervise, type Supervision } from './supervision.ts';

export interface StackOptions {
  /** Data and logs; a later start on the same folder goes on with them. Created if missing. */
  readonly dir: string;
  /** One line of progress, without line end. */
  readonly log: (line: string) => void;
  /** Parts to start; default all. */
  readonly kafka?: boolean;
  /** Keeps its schemas in PostgreSQL; without PostgreSQL in memory. */
  readonly registry?: boolean;
  readonly postgres?: boolean;
  /** 0 or absent = any free port. */
  readonly ports?: {
    readonly kafka?: number;
    readonly registry?: number;
    readonly postgres?: number;
  };
  /**
   * Number of brokers, default 1. Several hold three replicas of everything, one of them may be away;
   * the first is the only controller.
   */
  readonly brokers?: 1 | 3;
  /** Cheaper start and no fsync, for tests; never measure with it. Default false. */
  readonly fast?: boolean;
  /** Cache of downloads. Default: WAYBILL_HOME, else ~/.cache/waybill. */
  readonly home?: string;
  /** Hears once of a server that ended although nobody stopped it; `how` ends with what its log says. Default: a log line. */
  readonly onEnd?: (name: string, how: string) => void;
  /** Ends a start that is under way; startStack then throws the reason. */
  readonly signal?: AbortSignal;
}

/** A running stack. Asking for the address of a part that is off throws STACK_PART_OFF. */
export interface Stack {
  readonly kafka: {
    readonly brokers: readonly string[];
    /** The same brokers, to be stopped and started. */
    readonly nodes: readonly LocalBroker[];
  };
  /** `url` is the base of the Confluent-compatible API. */
  readonly registry: { readonly url: string };
  readonly postgres: { readonly url: (database: string) => string; readonly adminUrl: string };
  /** Creates the database unless it exists; resolves with its URL. */
  readonly createDatabase: (name: string) => Promise<string>;
  /** Ends everything and resolves when it has ended; data stay. May be called twice. */
  readonly stop: () => Promise<void>;
  /** Process ids by name: kafka (kafka-2, kafka-3), registry, postgres, supervisor. */
  readonly pids: Readonly<Record<string, number>>;
}

/** Generous: a cold start with two busy cores has been seen to take ten times the usual 3–5 s. */
const READY_DEADLINE_MS = 120_000;
const REGISTRY_DATABASE = 'registry';

interface Ports {
  readonly kafka: readonly number[];
  readonly controller: number;
  readonly registry: number;
  readonly management: number;
  readonly postgres: number;
}

/** What the three starts share. */
interface Start {
  readonly dir: string;
  readonly fast: boolean;
  readonly ports: Ports;
  readonly supervision: Supervision;
  readonly log: (line: string) => void;
}

/** Default cache folder of downloads. */
export function defaultHome(): string {
  return process.env['WAYBILL_HOME'] ?? join(homedir(), '.cache', 'waybill');
}

/**
 * Starts a real Kafka, schema registry and PostgreSQL on the loopback interface and resolves when all
 * of them answer. They end with stop(), and when this process ends in whatever way.
 * Throws Faults of STACK_CODES; then nothing is left running.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const wanted = {
    kafka: options.kafka ?? true,
    registry: options.registry ?? true,
    postgres: options.postgres ?? true,
  };
  const dir = await prepareDataDir(options.dir);
  await needSpace(dir);
  const { log } = options;
  const jdk = wanted.kafka || wanted.registry ? await findJdk(process.env) : undefined;
  const context = jdk && { home: resolve(options.home ?? defaultHome()), jdk, log };
  const libraries = context && wanted.kafka ? await kafkaLibraries(context) : undefined;
  const registryFiles = context && wanted.registry ? await registryHome(context) : undefined;

  const onEnd =
    options.onEnd ?? ((name, how) => log(`${name} ended (${how}); its log is in ${dir}/${name}`));
  const supervision = supervise(dir, onEnd, options.signal);
  let claim: DirClaim | undefined;
  const stop = once(async () => {
    await supervision.stop();
    await claim?.release();
  });
  try {
    claim = await claimDir(dir, supervision.pid);
    const ports = await choosePorts(dir, options, wanted);
    const start: Start = { dir, fast: options.fast ?? false, ports, supervision, log };
    const nothing = Promise.resolve();
    const brokers = jdk && libraries ? startKafka(start, jdk, libraries) : Promise.resolve([]);
    const database = wanted.postgres ? startPostgres(start) : nothing;
    await allEnded([
      brokers,
      database,
      jdk && registryFiles
        ? database.then(() => startRegistry(start, jdk, registryFiles, wanted.postgres))
        : nothing,
    ]);
    await claim.note([...supervision.children.values()]);
    supervision.unref();
    return describe(start, wanted, await brokers, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= action());
}

/** Like Promise.all, but no start is still under way when it rejects. */
async function allEnded(starts: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(starts);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

async function choosePorts(
  dir: string,
  { ports: wished = {}, brokers = 1 }: StackOptions,
  wanted: { readonly kafka: boolean; readonly registry: boolean; readonly postgres: boolean },
): Promise<Ports> {
  // The quorum's own record names the controller's address, so it is kept while it is free.
  const note = join(dir, 'controller-port');
  const before = Number(await readFile(note, 'utf8').catch(() => '0'));
  const kafka: number[] = [];
  for (let broker = 0; wanted.kafka && broker < brokers; broker += 1) {
    kafka.push(await claimPort('Kafka', broker === 0 ? (wished.kafka ?? 0) : 0));
  }
  const ports: Ports = {
    kafka,
    controller: await preferPort(before),
    registry: wanted.registry ? await claimPort('the schema registry', wished.registry ?? 0) : 0,
    management: await preferPort(0),
    postgres: wanted.postgres ? await claimPort('PostgreSQL', wished.postgres ?? 0) : 0,
  };
  await writeFile(note, String(ports.controller));
  return ports;
}

async function timed(start: Start, what: string, action: () => Promise<void>): Promise<void> {
  const before = Date.now();
  await action();
  start.log(`${what} ready in ${((Date.now() - before) / 1000).toFixed(1)} s`);
}

async function startKafka(
  start: Start,
  jdk: Jdk,
  libraries: string,
): Promise<readonly LocalBroker[]> {
  const { supervision, ports, dir, fast } = start;
  let brokers: readonly LocalBroker[] = [];
  await timed(start, 'Kafka', async () => {
    brokers = await startBrokers({
      ...{ jdk, libraries, dir, fast, supervision },
      ports: ports.kafka,
      controllerPort: ports.controller,
      readyDeadlineMs: READY_DEADLINE_MS,
    });
  });
  return brokers;
}

async function startPostgres(start: Start): Promise<void> {
  const { supervision, ports, fast } = start;
  await timed(start, 'PostgreSQL', async () => {
    const command = await preparePostgres({
      programs: await postgresPrograms(),
      dir: join(start.dir, 'postgres'),
      port: ports.postgres,
      fast,
    });
    supervision.start(command);
    await supervision.untilReady(command, () => postgresAnswers(ports.postgres), READY_DEADLINE_MS);
  });
}

async function startRegistry(start: Start, jdk: Jdk, home: string, stored: boolean): Promise<void> {
  const { supervision, ports } = start;
  await timed(start, 'schema registry', async () => {
    if (stored) await createDatabase(ports.postgres, REGISTRY_DATABASE);
    else start.log('schema registry keeps schemas in memory: PostgreSQL is off');
    const command = await prepareRegistry({
      jdk,
      home,
      dir: join(start.dir, 'registry'),
      port: ports.registry,
      managementPort: ports.management,
      fast: start.fast,
      store: stored
        ? {
            port: ports.postgres,
            database: REGISTRY_DATABASE,
            user: LOCAL_USER,
            password: LOCAL_PASSWORD,
          }
        : undefined,
    });
    supervision.start(command);
    await supervision.untilReady(command, () => registryAnswers(ports.registry), READY_DEADLINE_MS);
  });
}

function describe(
  start: Start,
  wanted: { readonly kafka: boolean; readonly registry: boolean; readonly postgres: boolean },
  nodes: readonly LocalBroker[],
  stop: () => Promise<void>,
): Stack {
  const { ports, supervision } = start;
  const need = (part: keyof typeof wanted): void => {
    if (!wanted[part]) throw stackFault('STACK_PART_OFF', `this stack was started without ${part}`);
  };
  return {
    get kafka() {
      need('kafka');
      return { brokers: nodes.map(({ address }) => address), nodes };
    },
    get registry() {
      need('registry');
      return { url: registryUrl(ports.registry) };
    },
    get postgres() {
      need('postgres');
      return {
        url: (database: string) => postgresUrl(ports.postgres, database),
        adminUrl: postgresUrl(ports.postgres, 'postgres'),
      };
    },
    createDatabase: async (name) => {
      need('postgres');
      await createDatabase(ports.postgres, name);
      return postgresUrl(ports.postgres, name);
    },
    stop,
    get pids() {
      return { supervisor: supervision.pid, ...Object.fromEntries(supervision.children) };
    },
  };
}
