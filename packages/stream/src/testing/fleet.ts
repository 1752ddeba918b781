import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '@waybill/testkit';
import type { TestSystem } from './cluster.ts';

/** One process of a service under test. */
export interface Member {
  readonly child: ChildProcess;
  readonly isReady: () => boolean;
  /** How often it was about to commit. */
  readonly handlings: () => number;
  /** What it said beside `ready` and `handling`: warnings, errors, how it failed. */
  readonly lines: readonly string[];
  readonly hasEnded: () => boolean;
  /** Sends the signal and waits until the process is gone. */
  readonly end: (signal: NodeJS.Signals) => Promise<void>;
}

export interface FleetOptions {
  readonly program: keyof typeof PROGRAMS;
  readonly size: number;
  /** More environment for each new member. */
  readonly env?: () => Readonly<Record<string, string>>;
}

/** Keeps `size` members running as an orchestrator does: one that ends is started again. */
export interface Fleet {
  readonly members: () => readonly Member[];
  /** Members that ended by themselves with an error: the alarm of a crash loop. */
  readonly crashes: () => number;
  /** All lines of all members, the newest last. */
  readonly lines: () => readonly string[];
  readonly untilReady: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** For what must come, however many members and brokers share the machine. */
export const SLOW_MS = 180_000;

const PROGRAMS = {
  counter: new URL('counter-process.ts', import.meta.url),
  projector: new URL('projector-process.ts', import.meta.url),
} as const;

function startMember(system: TestSystem, options: FleetOptions): Member {
  const { options: stream } = system;
  const lines: string[] = [];
  let handlings = 0;
  let ready = false;
  const child = spawn(process.execPath, [fileURLToPath(PROGRAMS[options.program])], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      BROKERS: stream.brokers.join(','),
      REGISTRY: stream.registryUrl,
      NAMESPACE: stream.namespace,
      ...options.env?.(),
    },
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'handling') handlings += 1;
    else if (line === 'ready') ready = true;
    else lines.push(line);
    if (process.env['TEST_LOG'] && line !== 'handling') {
      process.stderr.write(`${child.pid} ${line}\n`);
    }
  });
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    child,
    isReady: () => ready && !hasEnded(),
    handlings: () => handlings,
    lines,
    hasEnded,
    end: async (signal) => {
      if (hasEnded()) return;
      child.kill(signal);
      // A stopped process takes no SIGTERM.
      if (signal !== 'SIGKILL') child.kill('SIGCONT');
      await once(child, 'exit');
    },
  };
}

export function startFleet(system: TestSystem, options: FleetOptions): Fleet {
  const all: Member[] = [];
  const running = new Set<Member>();
  let stopping = false;
  let crashes = 0;

  function start(): void {
    const member = startMember(system, options);
    all.push(member);
    running.add(member);
    member.child.once('exit', (code) => {
      running.delete(member);
      if (code !== 0 && code !== null) crashes += 1;
      if (!stopping) start();
    });
  }

  for (let count = 0; count < options.size; count += 1) start();
  return {
    members: () => [...running],
    crashes: () => crashes,
    lines: () => all.flatMap(({ lines }) => lines),
    untilReady: async () => {
      const ready = (): boolean => [...running].every((member) => member.isReady());
      await until('all members are ready', ready, { deadlineMs: SLOW_MS });
    },
    stop: async () => {
      stopping = true;
      await Promise.all([...running].map((member) => member.end('SIGTERM')));
    },
  };
}
