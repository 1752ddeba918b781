import { mkdir, mkdtemp, open, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf, stackFault } from './errors.ts';

/**
 * What is fetched once per machine. An entry is a folder that appears whole or not at all: it is
 * filled under a temporary name and renamed. The lock beside it only saves a second start from
 * fetching the same again; without it nothing would break.
 */
export interface CacheEntry {
  readonly home: string;
  /** Folder name with the version in it, so that a new version is a new entry. */
  readonly name: string;
  /** For progress lines: what it is and how much. */
  readonly title: string;
  readonly log: (line: string) => void;
  readonly fill: (folder: string) => Promise<void>;
}

/** The holder touches its lock this often; one untouched for longer is left over from a crash. */
const LOCK_TOUCH_MS = 2_000;
const LOCK_STALE_MS = 15_000;
const PROGRESS_MS = 10_000;
const WAIT_LIMIT_MS = 15 * 60_000;

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The folder of the entry, fetched first if it is not there. A read-only cache that has it is fine. */
export async function cached(entry: CacheEntry): Promise<string> {
  const folder = join(entry.home, entry.name);
  if (await exists(folder)) return folder;
  await mkdir(entry.home, { recursive: true }).catch((error: unknown) => {
    throw unwritable(entry, error);
  });
  const unlock = await lock(entry, folder);
  if (unlock === undefined) return folder;
  try {
    if (!(await exists(folder))) await fetchInto(entry, folder);
  } finally {
    await unlock();
  }
  return folder;
}

function unwritable(entry: CacheEntry, cause: unknown): Error {
  return stackFault(
    'STACK_CACHE_UNWRITABLE',
    `cannot write the cache folder ${entry.home} (${reasonOf(cause)}): set WAYBILL_HOME to a writable one`,
    { otherWay: true, cause },
  );
}

/** Undefined when the entry appeared while another start held the lock. */
async function lock(entry: CacheEntry, folder: string): Promise<(() => Promise<void>) | undefined> {
  const file = `${folder}.lock`;
  const deadline = Date.now() + WAIT_LIMIT_MS;
  let told = false;
  while (Date.now() < deadline) {
    try {
      await (await open(file, 'wx')).close();
      return holdLock(file);
    } catch (error) {
      if (reasonOf(error) !== 'EEXIST') throw unwritable(entry, error);
    }
    if (!told) entry.log(`waiting for another start that fetches ${entry.title}`);
    told = true;
    await delay(200);
    if (await exists(folder)) return undefined;
    const age = await stat(file).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    if (age > LOCK_STALE_MS) await rm(file, { force: true });
  }
  throw stackFault('STACK_FETCH_FAILED', `another start holds ${file} for too long: delete it`);
}

function holdLock(file: string): () => Promise<void> {
  const timer = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, LOCK_TOUCH_MS);
  return async () => {
    clearInterval(timer);
    await rm(file, { force: true });
  };
}

async function fetchInto(entry: CacheEntry, folder: string): Promise<void> {
  const started = Date.now();
  entry.log(`fetching ${entry.title}, once, into ${folder}`);
  const timer = setInterval(() => {
    entry.log(`still fetching ${entry.title}: ${Math.round((Date.now() - started) / 1000)} s`);
  }, PROGRESS_MS);
  const partial = await mkdtemp(`${folder}.partial-`).catch((error: unknown) => {
    throw unwritable(entry, error);
  });
  try {
    await entry.fill(partial);
    await rename(partial, folder).catch(async (error: unknown) => {
      // A start that took over a lock it thought stale may have been faster: its copy is as good.
      if (!(await exists(folder))) throw unwritable(entry, error);
    });
    entry.log(`fetched ${entry.title} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  } finally {
    clearInterval(timer);
    await rm(partial, { recursive: true, force: true });
  }
}
