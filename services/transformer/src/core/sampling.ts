/**
 * Whether the positions of a page carry its trace. Decided by the page's id (a hash), so that a replay
 * decides the same and all positions of a page agree. `ratio` is a share from 0 to 1.
 */
export function isTraced(pageId: string, ratio: number): boolean {
  return Number.parseInt(pageId.slice(0, 8), 16) < ratio * 2 ** 32;
}
