/** A state record whose intervals follow each other; the last one is the present. */
interface Stated<I> {
  readonly event_time: number;
  readonly revision: number;
  readonly intervals: readonly I[];
}

interface Validity {
  readonly valid_from_time: number | null;
  readonly valid_to_time: number | null;
}

/** What an interval says, without when; the keys of generated types always stand in the same order. */
function contentOf(interval: Validity): string {
  return JSON.stringify({ ...interval, valid_from_time: null, valid_to_time: null });
}

/**
 * A newly read description joined to what is known: an equal one changes nothing (undefined), another one
 * closes the last interval at its reading and opens the next. What was read before the known one is late and
 * changes nothing.
 */
export function joinValidity<I extends Validity, S extends Stated<I>>(
  known: S | undefined,
  read: S,
): S | undefined {
  const last = known?.intervals.at(-1);
  const next = read.intervals.at(-1);
  if (known === undefined || last === undefined || next === undefined) return read;
  if (read.revision <= known.revision) return undefined;
  const isOpen = last.valid_to_time === null;
  if (isOpen && contentOf(last) === contentOf(next)) return undefined;
  const at = Math.max(read.event_time, last.valid_from_time ?? 0);
  const before = isOpen ? { ...last, valid_to_time: at } : last;
  const after = { ...next, valid_from_time: at, valid_to_time: null };
  return { ...read, intervals: [...known.intervals.slice(0, -1), before, after] };
}

/** The same state without a present: it was there until `time`. Undefined when it had none already. */
export function endValidity<I extends Validity, S extends Stated<I>>(
  known: S,
  time: number,
): S | undefined {
  const last = known.intervals.at(-1);
  if (last === undefined || last.valid_to_time !== null || time <= known.revision) return undefined;
  const ended = { ...last, valid_to_time: Math.max(time, last.valid_from_time ?? 0) };
  return {
    ...known,
    event_time: time,
    revision: time,
    intervals: [...known.intervals.slice(0, -1), ended],
  };
}
