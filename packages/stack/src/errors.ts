import { errorCodes, Fault, type FaultKind } from '@waybill/fault';

export const STACK_CODES = errorCodes({
  STACK_OPTION: { kind: 'misconfigured', meaning: 'A command-line option is unknown or wrong.' },
  STACK_NO_JDK: { kind: 'misconfigured', meaning: 'No JDK of version 21 or newer was found.' },
  STACK_NO_MAVEN: { kind: 'misconfigured', meaning: 'Maven is not on the PATH.' },
  STACK_NO_POSTGRES: {
    kind: 'misconfigured',
    meaning: 'The npm package with the PostgreSQL programs of this platform is missing.',
  },
  STACK_CACHE_UNWRITABLE: {
    kind: 'misconfigured',
    meaning: 'The cache folder cannot be written and does not hold what is needed.',
  },
  STACK_DIR_UNWRITABLE: {
    kind: 'misconfigured',
    meaning: 'The data folder cannot be written.',
  },
  STACK_DISK_FULL: {
    kind: 'misconfigured',
    meaning: 'The disk of the data folder has less than 256 MiB left.',
  },
  STACK_DIR_IN_USE: {
    kind: 'misconfigured',
    meaning: 'Another stack runs on this data folder.',
  },
  STACK_PORT_BUSY: { kind: 'misconfigured', meaning: 'A requested port is taken.' },
  STACK_PART_OFF: {
    kind: 'misconfigured',
    meaning: 'The address of a part was asked for that was not started.',
  },
  STACK_FETCH_FAILED: { kind: 'transient', meaning: 'Maven or tar could not fetch a part.' },
  STACK_PART_FAILED: {
    kind: 'transient',
    meaning: 'A part ended, or did not answer within its deadline; the message quotes its log.',
  },
});

export type StackCode = keyof typeof STACK_CODES;

const OTHER_WAY = 'or use `docker compose up` instead';

/** A Fault of this package; `otherWay` adds the hint that containers need none of this. */
export function stackFault(
  code: StackCode,
  message: string,
  options: { readonly otherWay?: boolean; readonly cause?: unknown } = {},
): Fault {
  const kind: FaultKind = STACK_CODES[code].kind;
  const text = options.otherWay === true ? `${message}, ${OTHER_WAY}` : message;
  return new Fault(text, { kind, code, stage: 'start', cause: options.cause });
}

/** The errno code of a Node error, or its message: short enough for one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error ? String(error.code) : error.message;
  return String(error);
}
