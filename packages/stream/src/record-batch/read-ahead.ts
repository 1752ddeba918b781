import { viewOf } from './crc32c.ts';
import { at, LENGTH_OVERHEAD } from './layout.ts';

/** What kafkajs asks one broker for, and what it gets, as far as it matters here. */
export interface FetchQuestion {
  /** How long the broker may wait for records, in ms. */
  readonly maxWaitTime: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[];
  }[];
}

export interface FetchAnswer {
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly messages: Buffer }[];
  }[];
}

export type Fetch<Q extends FetchQuestion, A extends FetchAnswer> = (question: Q) => Promise<A>;

type Offsets = ReadonlyMap<string, string>;

const place = (topic: string, partition: number): string => `${topic}/${partition}`;

function offsetsOf({ topics }: FetchQuestion): Offsets {
  return new Map(
    topics.flatMap(({ topic, partitions }) =>
      partitions.map((p) => [place(topic, p.partition), p.fetchOffset] as const),
    ),
  );
}

/** The offset behind the last whole batch; undefined when there is none. */
function endOf(records: Buffer): bigint | undefined {
  const view = viewOf(records);
  let end: bigint | undefined;
  for (let start = 0; start + at.records <= view.byteLength;) {
    const next = start + LENGTH_OVERHEAD + view.getInt32(start + at.length);
    if (next > view.byteLength || next <= start) break;
    const delta = BigInt(view.getInt32(start + at.lastOffsetDelta));
    end = view.getBigInt64(start + at.baseOffset) + delta + 1n;
    start = next;
  }
  return end;
}

/** The same question behind what the answer brought; undefined when it brought nothing. */
function following<Q extends FetchQuestion>(question: Q, answer: FetchAnswer): Q | undefined {
  const ends = new Map<string, string>();
  for (const { topicName, partitions } of answer.responses) {
    for (const { partition, messages } of partitions) {
      const end = endOf(messages);
      if (end !== undefined) ends.set(place(topicName, partition), String(end));
    }
  }
  if (ends.size === 0) return undefined;
  const topics = question.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((asked) => ({
      ...asked,
      fetchOffset: ends.get(place(topic, asked.partition)) ?? asked.fetchOffset,
    })),
  }));
  return { ...question, topics };
}

/** After so many answers without records in a row, the broker may wait longer for some. */
const PATIENT_AFTER = 25;
const PATIENT_WAIT_MS = 500;

/**
 * Asks less often while nothing comes: records wake a waiting fetch at once, so only what happens beside it
 * (a partition that is resumed, a stop) waits for its end. Half of what an idle member costs is its fetches.
 */
export function patientFetch<Q extends FetchQuestion, A extends FetchAnswer>(
  fetch: Fetch<Q, A>,
): Fetch<Q, A> {
  let empty = 0;
  return async (question) => {
    const maxWaitTime = Math.max(question.maxWaitTime, PATIENT_WAIT_MS);
    const answer = await fetch(empty < PATIENT_AFTER ? question : { ...question, maxWaitTime });
    const brought = answer.responses.some(({ partitions }) =>
      partitions.some(({ messages }) => messages.length > 0),
    );
    empty = brought ? 0 : empty + 1;
    return answer;
  };
}

/** The partitions of an answer whose offsets were asked for; undefined when there are none. */
function fitting<A extends FetchAnswer>(answer: A, asked: Offsets, wanted: Offsets): A | undefined {
  const responses = answer.responses
    .map((response) => ({
      ...response,
      partitions: response.partitions.filter(({ partition }) => {
        const where = place(response.topicName, partition);
        return asked.has(where) && asked.get(where) === wanted.get(where);
      }),
    }))
    .filter(({ partitions }) => partitions.length > 0);
  return responses.length > 0 ? { ...answer, responses } : undefined;
}

/**
 * Asks a broker for what comes next while the present answer is handled. *empty* → an answer with
 * records starts the question behind it → *ahead*; the next fetch takes of it what it asked for at
 * the very offsets (a partition that was sought or paused meanwhile is left out) and what failed ahead
 * is asked again. At most one answer lies ahead; nothing is asked ahead while nothing comes.
 */
export function readAhead<Q extends FetchQuestion, A extends FetchAnswer>(
  fetch: Fetch<Q, A>,
): Fetch<Q, A> {
  let ahead: { readonly asked: Offsets; readonly answer: Promise<A | undefined> } | undefined;

  async function taken(wanted: Offsets): Promise<A | undefined> {
    const waiting = ahead;
    ahead = undefined;
    if (waiting === undefined) return undefined;
    const { asked } = waiting;
    const isWanted = [...wanted].some(([where, offset]) => asked.get(where) === offset);
    const answer = isWanted ? await waiting.answer : undefined;
    return answer && fitting(answer, asked, wanted);
  }

  return async (question) => {
    const answer = (await taken(offsetsOf(question))) ?? (await fetch(question));
    const next = following(question, answer);
    if (next !== undefined) {
      ahead = { asked: offsetsOf(next), answer: fetch(next).catch(() => undefined) };
    }
    return answer;
  };
}
