import type { Triple } from './port.ts';

/** Negative when a is older than b, 0 when equal, positive when newer. */
export function compareTriple(a: Triple, b: Triple): number {
  return a.revision - b.revision || a.activation - b.activation || a.resolution - b.resolution;
}

/** The newest of the list; undefined for none. */
export function newestTriple(triples: readonly Triple[]): Triple | undefined {
  return triples.reduce<Triple | undefined>(
    (newest, triple) =>
      newest === undefined || compareTriple(triple, newest) > 0 ? triple : newest,
    undefined,
  );
}
