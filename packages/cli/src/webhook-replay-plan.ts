import { hashId } from '@waybill/domain';
import { bodyOf, type RecordedRequest } from './webhook-recording.ts';

/** What is done to recorded requests, as shares from 0 to 1 of them. */
export interface Injection {
  readonly seed: number;
  /** Sent once more with the same key, signed anew. */
  readonly duplicates: number;
  /** The very same signed bytes once more, under another key. */
  readonly replays: number;
  /** One bit of the body flipped after it was signed. */
  readonly corrupt: number;
  /** Signed with a clock that is off by `skewS`. */
  readonly skewed: number;
  readonly skewS: number;
  /** The receiver's tolerance, s: what is further off has to be refused. */
  readonly toleranceS: number;
  /** How many places a request may move back. */
  readonly reorder: number;
  /** Longest pause before a request, ms. */
  readonly delayMs: number;
}

export type StepKind = 'plain' | 'duplicate' | 'replayed' | 'corrupt' | 'skewed';

/** One request to send. */
export interface Step {
  readonly kind: StepKind;
  /** Which recorded request, from 0. */
  readonly index: number;
  readonly idempotencyKey: string;
  readonly body: Buffer;
  /** Takes the place of the body after it was signed. */
  readonly sentBody?: Buffer;
  /** Added to the time that is signed, s. */
  readonly skewS: number;
  readonly pauseMs: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Statuses that are right. */
  readonly expected: readonly number[];
  /** True: the receiver must say that it was a repeat. */
  readonly repeated: boolean;
}

const DENIED = [401];

/** A number from 0 to 1 that depends on seed, request and purpose alone. */
function draw(seed: number, index: number, purpose: string): number {
  return (
    Number.parseInt(hashId('replay', String(seed), purpose, String(index)).slice(0, 8), 16) /
    2 ** 32
  );
}

function flipped(body: Buffer, share: number): Buffer {
  const changed = Buffer.from(body);
  const at = Math.floor(share * changed.length);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

function stepsOf(request: RecordedRequest, index: number, run: string, how: Injection): Step[] {
  const body = bodyOf(request);
  const key = `${run}-${index}`;
  const chance = (purpose: string): number => draw(how.seed, index, purpose);
  const plain: Step = {
    kind: 'plain',
    index,
    idempotencyKey: key,
    body,
    skewS: 0,
    pauseMs: Math.floor(chance('pause') * how.delayMs),
    headers: request.headers,
    expected: [request.status ?? 200],
    repeated: false,
  };
  if (body.length > 0 && chance('corrupt') < how.corrupt) {
    const sentBody = flipped(body, chance('byte'));
    return [{ ...plain, kind: 'corrupt', sentBody, expected: DENIED }];
  }
  if (chance('skewed') < how.skewed) {
    const skewS = chance('sign') < 0.5 ? how.skewS : -how.skewS;
    const expected = Math.abs(skewS) > how.toleranceS ? DENIED : plain.expected;
    return [{ ...plain, kind: 'skewed', skewS, expected }];
  }
  const steps = [plain];
  const accepted = plain.expected.includes(200);
  if (accepted && chance('duplicate') < how.duplicates) {
    steps.push({ ...plain, kind: 'duplicate', pauseMs: 0, repeated: true });
  }
  if (accepted && chance('replay') < how.replays) {
    const other = { idempotencyKey: `${key}-other`, pauseMs: 0, expected: DENIED };
    steps.push({ ...plain, kind: 'replayed', ...other });
  }
  return steps;
}

/**
 * The requests to send for a recording, in order; the same for the same seed. `run` makes the keys new:
 * under those of an earlier run everything would be a repeat. A request and what follows from it (its
 * duplicate, its replay) stay in their order; only different requests change places.
 */
export function replayPlan(
  recording: readonly RecordedRequest[],
  run: string,
  how: Injection,
): readonly Step[] {
  const groups = recording.map((request, index) => ({
    place: index + draw(how.seed, index, 'reorder') * (how.reorder + 1),
    index,
    steps: stepsOf(request, index, run, how),
  }));
  if (how.reorder > 0) groups.sort((a, b) => a.place - b.place || a.index - b.index);
  return groups.flatMap(({ steps }) => steps);
}
