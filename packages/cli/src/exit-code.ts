import { isFault } from '@waybill/fault';

/** What scripts can tell apart. */
export const EXIT = { ok: 0, failed: 1, usage: 2, configuration: 78 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** 78 for what somebody has to configure otherwise, 1 for the rest. */
export function exitCodeOf(error: unknown): ExitCode {
  return isFault(error) && error.kind === 'misconfigured' ? EXIT.configuration : EXIT.failed;
}
