import { readdirSync, readFileSync } from 'node:fs';

const CLOCK_TICKS_PER_S = 100;

interface Stat {
  readonly parent: number;
  /** User and system of its own threads. */
  readonly own: number;
  /** Of children that have ended. */
  readonly ended: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    const ticks = (index: number): number => (fields[index] ?? 0) / CLOCK_TICKS_PER_S;
    return { parent, own: ticks(11) + ticks(12), ended: ticks(13) + ticks(14) };
  } catch {
    // It ended between two looks.
    return undefined;
  }
}

/** CPU seconds of a process, all threads. */
export function processCpuSeconds(pid: number): number {
  return statOf(pid)?.own ?? 0;
}

/** CPU seconds of a process, its children and theirs. */
export function treeCpuSeconds(pid: number): number {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat !== undefined) stats.set(Number(name), stat);
  }
  const sum = (root: number): number => {
    const { own = 0, ended = 0 } = stats.get(root) ?? {};
    const children = [...stats].filter(([, { parent }]) => parent === root);
    return children.reduce((total, [child]) => total + sum(child), own + ended);
  };
  return sum(pid);
}
