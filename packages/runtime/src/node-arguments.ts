/**
 * Arguments of node with which services are started; whoever spawns one puts them before the file.
 *
 * On a machine with much memory V8 lets the young generation grow to 128 MB, most of it garbage that was
 * not collected yet. With semi-spaces of 8 MB a busy service needs 60 to 90 MB less; what it costs is more,
 * shorter collections. It must be an argument: the heap's limits are fixed before our first line runs.
 */
export const nodeArguments: readonly string[] = ['--max-semi-space-size=8'];

/**
 * For a service whose work in flight is many small requests (ingest): with the small young generation they
 * outlive it and become garbage of the old one, which costs a third more CPU and more memory than the
 * larger semi-spaces do. The old generation needs little: bodies are outside of the heap. Its collections are
 * short, and one thread does them: helpers that a busy machine does not let run are waited for, which took
 * 3 to 6 ms instead of 0.6. It may grow fourfold before it is marked, as far as the bound lets it: left to itself V8
 * marks 28 MB anew for every 4 MB that are added, which takes a fifth of the CPU of a busy ingest.
 */
export const requestNodeArguments: readonly string[] = [
  '--max-semi-space-size=8',
  '--max-old-space-size=128',
  '--no-parallel-scavenge',
  '--heap-growing-percent=300',
];

/**
 * Variables of the C library for the same service: buffers of sends go back to the system when they are freed, which
 * with 1,000 connections that send batches is 7 to 14 MiB.
 */
export const requestEnvironment: Readonly<Record<string, string>> = {
  MALLOC_TRIM_THRESHOLD_: '131072',
  MALLOC_MMAP_THRESHOLD_: '131072',
};

/**
 * For a service that holds much state outside of the heap (detector): what it unpacks and packs again is garbage
 * there, of which V8 knows little; so it marks its heap when that grew by 30 %. Without it 10,000 units took half
 * as much memory again. Semi-spaces of 4 MB take 10 to 40 MiB from its peak. `stateEnvironment` belongs to it.
 */
export const stateNodeArguments: readonly string[] = [
  '--max-semi-space-size=4',
  '--heap-growing-percent=30',
];

/**
 * Variables of the C library for the same service: freed memory goes back to the system although long-lived small
 * pieces stand between; fixed limits, because glibc's own grow with the largest piece that was ever freed.
 */
export const stateEnvironment: Readonly<Record<string, string>> = {
  MALLOC_TRIM_THRESHOLD_: '131072',
  MALLOC_MMAP_THRESHOLD_: '8192',
};
