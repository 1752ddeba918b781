import {
  nextRecordMs,
  overloadedRetryS,
  unavailableRetryS,
  type Pressure,
} from '../core/pressure.ts';
import type { RefusalCode } from '../core/answer.ts';

export interface AdmissionLimits {
  /** Requests at a time. */
  readonly requests: number;
  /** Bytes of bodies at a time: those being read, at work, and in a log that does not confirm. */
  readonly bytes: number;
}

/** Why a request is sent away before its body is read. */
export interface Turned {
  readonly code: Extract<RefusalCode, 'OVERLOADED' | 'UNAVAILABLE'>;
  readonly retryAfterS: number;
}

/** Bytes that one request or send holds in memory. */
export interface Hold {
  /** False: no room for that many more; nothing was added. */
  readonly grow: (bytes: number) => boolean;
  readonly release: () => void;
}

export interface Admission {
  /** A place for a request, or why there is none. `bytes`: as declared, 0 when unknown. */
  readonly enter: (bytes: number) => Hold | Turned;
  /** Whether an authenticated request should try brokers and database; undefined = yes. */
  readonly attempt: () => Turned | undefined;
  /** Room for records on their way to the log, which may outlive their requests. */
  readonly hold: (bytes: number) => Hold;
  /** Brokers and database did their work. */
  readonly worked: () => void;
  /** Brokers or database could not be reached. */
  readonly failed: () => void;
  /** A send was confirmed. */
  readonly confirmed: (batchMs: number, records: number) => void;
  /** For a request that is sent away later than at the door. */
  readonly retryAfterS: (code: Turned['code']) => number;
  readonly requests: () => number;
  readonly bytes: () => number;
}

/** While brokers or database are away one request per interval is let in to see whether they are back. */
const PROBE_INTERVAL_MS = 1000;

/**
 * Who may come in. *open* → *away* at the first failure of brokers or database → *open* at the first
 * success. Away, all but one authenticated request per second are sent away at once: they would wait for
 * nothing.
 * Requests and bytes are bounded in both states, so memory is, whatever senders do.
 */
export function createAdmission(limits: AdmissionLimits, now: () => number): Admission {
  let requests = 0;
  let bytes = 0;
  let recordMs = 1;
  let awaySince: number | undefined;
  let probeTime = 0;

  const pressure = (): Pressure => ({
    requests,
    recordMs,
    awayMs: awaySince === undefined ? undefined : now() - awaySince,
  });
  const retryAfterS = (code: Turned['code']): number =>
    code === 'UNAVAILABLE' ? unavailableRetryS(pressure()) : overloadedRetryS(pressure());
  const turned = (code: Turned['code']): Turned => ({ code, retryAfterS: retryAfterS(code) });
  const holdOf = (onRelease: () => void): Hold => {
    let held = 0;
    let released = false;
    return {
      grow: (more) => {
        if (released || bytes + more > limits.bytes) return false;
        held += more;
        bytes += more;
        return true;
      },
      release: () => {
        if (released) return;
        released = true;
        bytes -= held;
        onRelease();
      },
    };
  };

  return {
    enter: (declared) => {
      if (requests >= limits.requests || bytes + declared > limits.bytes) {
        return turned('OVERLOADED');
      }
      requests += 1;
      return holdOf(() => (requests -= 1));
    },
    attempt: () => {
      if (awaySince === undefined) return undefined;
      if (Math.abs(now() - probeTime) < PROBE_INTERVAL_MS) return turned('UNAVAILABLE');
      probeTime = now();
      return undefined;
    },
    hold: (more) => {
      // Counted even over the limit: these bytes are in memory whether we like it or not.
      bytes += more;
      return {
        grow: () => false,
        release: () => {
          bytes -= more;
        },
      };
    },
    worked: () => {
      awaySince = undefined;
    },
    failed: () => {
      awaySince ??= now();
      probeTime = now();
    },
    confirmed: (batchMs, records) => {
      recordMs = nextRecordMs(recordMs, batchMs, records);
    },
    retryAfterS,
    requests: () => requests,
    bytes: () => bytes,
  };
}
