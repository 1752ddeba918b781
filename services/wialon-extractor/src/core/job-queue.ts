/** Urgencies in order, and jobs of each. */
export interface JobQueue<L extends string, J> {
  /** Appends a job to its lane. */
  readonly add: (lane: L, job: J) => void;
  /** Puts a job back to the front of its lane. */
  readonly putBack: (lane: L, job: J) => void;
  /** The most urgent job. */
  readonly take: () => { readonly lane: L; readonly job: J } | undefined;
  /** Jobs of a lane. */
  readonly size: (lane: L) => number;
  /** True when a job waits that is more urgent than the lane. */
  readonly hasBefore: (lane: L) => boolean;
  /** Drops the jobs of a lane. */
  readonly clear: (lane: L) => void;
}

interface Line<J> {
  items: J[];
  /** Index of the first job; the array is cut now and then. */
  first: number;
}

const CUT_AT = 1024;

/** A queue with one line per lane, most urgent lane first. */
export function createJobQueue<L extends string, J>(lanes: readonly L[]): JobQueue<L, J> {
  const lines = new Map<L, Line<J>>(lanes.map((lane) => [lane, { items: [], first: 0 }]));

  function lineOf(lane: L): Line<J> {
    const line = lines.get(lane) ?? { items: [], first: 0 };
    lines.set(lane, line);
    return line;
  }

  function size(lane: L): number {
    const { items, first } = lineOf(lane);
    return items.length - first;
  }

  return {
    add: (lane, job) => void lineOf(lane).items.push(job),
    putBack: (lane, job) => {
      const line = lineOf(lane);
      line.items.splice(0, line.first, job);
      line.first = 0;
    },
    take: () => {
      for (const lane of lanes) {
        const line = lineOf(lane);
        const job = line.items[line.first];
        if (job === undefined) continue;
        line.first += 1;
        if (line.first >= CUT_AT) line.items.splice(0, line.first);
        if (line.first >= CUT_AT) line.first = 0;
        return { lane, job };
      }
      return undefined;
    },
    size,
    hasBefore: (lane) => lanes.slice(0, lanes.indexOf(lane)).some((other) => size(other) > 0),
    clear: (lane) => {
      lines.set(lane, { items: [], first: 0 });
    },
  };
}
