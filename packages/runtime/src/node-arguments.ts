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
 * 3 to 6 ms instead of 0.6. It may grow by half of what lives in it before it is marked: left to itself V8 marks
 * 28 MB anew for every 4 MB that are added, which takes a tenth of the CPU of a busy ingest.
 */
export const requestNodeArguments: readonly string[] = [
  '--max-semi-space-size=8',
  '--max-old-space-size=128',
  '--no-parallel-scavenge',
  '--heap-growing-percent=50',
];
