import { spawn } from 'node:child_process';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stackFault } from './errors.ts';
import {
  type PostgresPrograms,
  PUBLIC_TEMPORARY,
  reachable,
  sqlClient,
  type User,
} from './postgres-programs.ts';
import type { SupervisedCommand } from './supervision.ts';

/** A database for one developer, reachable on the loopback interface only: not a secret. */
export const LOCAL_USER = 'waybill';
export const LOCAL_PASSWORD = 'waybill';

export interface PostgresSettings {
  readonly programs: PostgresPrograms;
  readonly dir: string;
  readonly port: number;
  /** No fsync: a crash of the machine may lose the data. For tests, never for measurements. */
  readonly fast: boolean;
}

/**
 * The data folder. As root the server's user must be able to walk there; below a private folder it
 * gets a place of its own, remembered in `dir`.
 */
async function dataFolder(dir: string, user: User | undefined): Promise<string> {
  if (user === undefined) return join(dir, 'data');
  await openTemporary(dir);
  if (await reachable(dir, user)) return join(dir, 'data');
  const note = join(dir, 'data-is-at');
  const noted = (await readFile(note, 'utf8').catch(() => '')).trim();
  if (noted !== '' && (await stat(dirname(noted)).catch(() => undefined))) return noted;
  const base = await mkdtemp(join(PUBLIC_TEMPORARY, 'waybill-data-'));
  await chmod(base, 0o711);
  await writeFile(note, `${join(base, 'data')}\n`);
  return join(base, 'data');
}

/**
 * Lets others pass through our own folders below the temporary one, which mkdtemp makes private. Otherwise
 * the data would go elsewhere and stay when the owner deletes the folder.
 */
async function openTemporary(dir: string): Promise<void> {
  const root = await realpath(tmpdir());
  for (let at = dir; at.startsWith(`${root}/`); at = dirname(at)) {
    const { uid, mode } = await stat(at);
    if (uid === 0 && (mode & 0o001) === 0) await chmod(at, (mode & 0o777) | 0o011);
  }
}

async function initialise(programs: PostgresPrograms, data: string, dir: string): Promise<void> {
  const { user } = programs;
  // Under another name until it is complete: a half-made cluster would look like a good one.
  const partial = `${data}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 });
  const passwordFile = join(partial, '..', 'password.tmp');
  await writeFile(passwordFile, `${LOCAL_PASSWORD}\n`, { mode: 0o600 });
  if (user !== undefined) {
    await chown(partial, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  const args = [
    `--pgdata=${partial}`,
    `--username=${LOCAL_USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ];
  const child = spawn(programs.initdb, args, {
    ...user,
    cwd: '/',
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  await rm(passwordFile, { force: true });
  if (code !== 0) {
    const log = join(dir, 'initdb.log');
    await writeFile(log, output);
    const line = output.split('\n').find((text) => text.includes('error:'));
    throw stackFault('STACK_PART_FAILED', `initdb ended with ${code}: ${line ?? ''} [${log}]`);
  }
  await rename(partial, data);
}

/** Makes the cluster the first time and says how to start it. */
export async function preparePostgres(settings: PostgresSettings): Promise<SupervisedCommand> {
  const { programs, dir, fast } = settings;
  await mkdir(dir, { recursive: true });
  if (programs.user !== undefined) await chmod(dir, 0o711);
  const data = await dataFolder(dir, programs.user);
  if ((await stat(data).catch(() => undefined)) === undefined) {
    await initialise(programs, data, dir);
  }
  const options: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '300',
    shared_buffers: '128MB',
    log_min_messages: 'warning',
    // Errors of statements are the client's to tell; here only what concerns the server.
    log_min_error_statement: 'fatal',
    timezone: 'UTC',
    ...(fast ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
  };
  return {
    name: 'postgres',
    program: programs.postgres,
    args: [
      '-D',
      data,
      '-p',
      String(settings.port),
      ...Object.entries(options).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    cwd: '/',
    env: { LC_ALL: 'C' },
    logFile: join(dir, 'postgres.log'),
    // Fast shutdown: open sessions are ended, data are written.
    stopSignal: 'SIGINT',
    stopTurn: 1,
    ...(programs.user === undefined ? {} : { user: programs.user }),
  };
}

/** Connection address of a database of the local server. */
export function postgresUrl(port: number, database: string): string {
  return `postgres://${LOCAL_USER}:${LOCAL_PASSWORD}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

/** True when the server takes a query. */
export async function postgresAnswers(port: number): Promise<boolean> {
  const client = sqlClient(postgresUrl(port, 'postgres'));
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Creates the database unless it exists. */
export async function createDatabase(port: number, name: string): Promise<void> {
  const client = sqlClient(postgresUrl(port, 'postgres'));
  await client.connect();
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`);
  } catch (error) {
    // duplicate_database, or unique_violation when two create it at once
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code !== '42P04' && error.code !== '23505') throw error;
  } finally {
    await client.end();
  }
}
