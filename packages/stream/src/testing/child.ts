import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestSystem } from './cluster.ts';

/** A process of its own, for tests that kill it; says `handling` on a line per batch. */
export interface Child {
  readonly child: ChildProcess;
  readonly handlings: () => number;
  /** All other lines. */
  readonly lines: readonly string[];
  readonly end: (signal: NodeJS.Signals) => Promise<void>;
}

/** Starts a program on the broker of the test. */
export function startChild(
  program: URL,
  { options }: TestSystem,
  env: Readonly<Record<string, string>> = {},
): Child {
  const lines: string[] = [];
  let handlings = 0;
  const child = spawn(process.execPath, [fileURLToPath(program)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      BROKERS: options.brokers.join(','),
      REGISTRY: options.registryUrl,
      NAMESPACE: options.namespace,
      ...env,
    },
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'handling') handlings += 1;
    else lines.push(line);
  });
  return {
    child,
    handlings: () => handlings,
    lines,
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, 'exit');
    },
  };
}
