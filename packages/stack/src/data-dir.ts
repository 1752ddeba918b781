import { chmod, mkdir, realpath, statfs } from 'node:fs/promises';
import { reasonOf, stackFault } from './errors.ts';

const MEBI = 1024 * 1024;
/** Empty brokers and databases take 80 MiB; with less than this they die of a full disk within minutes. */
const LEAST_FREE_BYTES = 256 * MEBI;

/** Creates the data folder of a stack if it is missing; resolves with its real path. Throws STACK_DIR_UNWRITABLE. */
export async function prepareDataDir(wished: string): Promise<string> {
  try {
    await mkdir(wished, { recursive: true });
    // As root, PostgreSQL runs as another user, who has to pass through; temporary folders are 0700.
    if (process.getuid?.() === 0) await chmod(wished, 0o711);
    return await realpath(wished);
  } catch (cause) {
    throw stackFault(
      'STACK_DIR_UNWRITABLE',
      `cannot use the data folder ${wished} (${reasonOf(cause)}): choose another`,
      { otherWay: true, cause },
    );
  }
}

/** Throws STACK_DISK_FULL when the disk of the folder has too little left to start on. */
export async function needSpace(
  dir: string,
  look: (dir: string) => Promise<{ bavail: number; bsize: number }> = statfs,
): Promise<void> {
  const { bavail, bsize } = await look(dir);
  const free = bavail * bsize;
  if (free >= LEAST_FREE_BYTES) return;
  throw stackFault(
    'STACK_DISK_FULL',
    `the disk of ${dir} has ${Math.floor(free / MEBI)} MiB left, a stack needs ${LEAST_FREE_BYTES / MEBI}: ` +
      'free some or choose another folder (temporary ones follow TMPDIR)',
  );
}
