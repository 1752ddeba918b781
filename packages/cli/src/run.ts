import type { ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/** Runs a command's work with its terminal; its result is the exit code. */
export type Run = (work: (terminal: Terminal) => Promise<ExitCode>) => Promise<void>;
