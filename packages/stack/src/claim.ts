import { execFile } from 'node:child_process';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { reasonOf, stackFault } from './errors.ts';

const run = promisify(execFile);

/**
 * One stack per data folder. `stack.json` in it names the process that started the stack, its
 * supervisor and the servers. It counts as long as that supervisor lives; the servers of one that was
 * killed are ended before the folder is used again.
 */
interface Claim {
  readonly owner: number;
  readonly supervisor: number;
  readonly children: readonly number[];
}

const STOPPING_LIMIT_MS = 30_000;

/** Command line of a process, empty when there is none: guards against reused process ids. */
async function commandOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  if (line !== undefined) return line.replaceAll('\0', ' ');
  if (process.platform === 'linux') return '';
  const answer = await run('ps', ['-o', 'args=', '-p', String(pid)]).catch(() => undefined);
  return answer?.stdout ?? '';
}

async function isOf(pid: number, dir: string): Promise<boolean> {
  return (await commandOf(pid)).includes(dir);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return reasonOf(error) === 'EPERM';
  }
}

async function readClaim(file: string): Promise<Claim | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Claim);
}

async function untilGone(pid: number, dir: string, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (await isOf(pid, dir)) {
    if (Date.now() > deadline) return false;
    await delay(50);
  }
  return true;
}

/** SIGINT: to PostgreSQL a fast shutdown (SIGTERM would wait for its clients), to a JVM any stop. */
async function endLeftOver(pid: number, dir: string): Promise<void> {
  if (!(await isOf(pid, dir))) return;
  process.kill(pid, 'SIGINT');
  if (!(await untilGone(pid, dir, STOPPING_LIMIT_MS))) process.kill(pid, 'SIGKILL');
}

/** Throws STACK_DIR_IN_USE when a live process runs a stack here; waits for one that is stopping. */
async function makeRoom(file: string, dir: string): Promise<void> {
  const claim = await readClaim(file);
  if (claim === undefined) return;
  const { owner, supervisor } = claim;
  if (await isOf(supervisor, dir)) {
    const stopping = !isAlive(owner) && (await untilGone(supervisor, dir, STOPPING_LIMIT_MS));
    if (!stopping) {
      throw stackFault(
        'STACK_DIR_IN_USE',
        `process ${owner} runs a stack on ${dir}: stop it or choose another folder`,
      );
    }
  }
  for (const pid of claim.children) await endLeftOver(pid, dir);
  await rm(file, { force: true });
}

export interface DirClaim {
  /** Notes the servers, so that they can be ended should the supervisor be killed. */
  readonly note: (children: readonly number[]) => Promise<void>;
  readonly release: () => Promise<void>;
}

/** Claims the data folder for this process and the supervisor. */
export async function claimDir(dir: string, supervisor: number): Promise<DirClaim> {
  const file = join(dir, 'stack.json');
  const own = `${file}.${process.pid}`;
  const text = (children: readonly number[]): string =>
    `${JSON.stringify({ owner: process.pid, supervisor, children } satisfies Claim)}\n`;
  await writeFile(own, text([]));
  try {
    await makeRoom(file, dir);
    // link, not rename: of two starts at the same moment one must fail.
    await link(own, file).catch(async (error: unknown) => {
      if (reasonOf(error) !== 'EEXIST') throw error;
      throw stackFault('STACK_DIR_IN_USE', `another process is starting a stack on ${dir}`);
    });
  } finally {
    await rm(own, { force: true });
  }
  return {
    note: (children) => writeFile(file, text(children)),
    release: () => rm(file, { force: true }),
  };
}
