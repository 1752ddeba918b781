import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stackFault } from './errors.ts';
import type { Jdk } from './jdk.ts';
import { brokerName, clusterIdOf, kafkaAnswers, prepareKafka } from './kafka.ts';
import type { SupervisedCommand, Supervision } from './supervision.ts';

/** One broker of a running stack, for tests of its faults. */
export interface LocalBroker {
  /** `<host>:<port>`. */
  readonly address: string;
  /** SIGSTOP freezes it, SIGCONT lets it go on. */
  readonly signal: (signal: 'SIGSTOP' | 'SIGCONT') => void;
  /** Ends it in order or at once; resolves when it is gone. */
  readonly end: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>;
  /** Starts it again on its port and data; resolves when it answers. */
  readonly start: () => Promise<void>;
}

export interface BrokersSetting {
  readonly jdk: Jdk;
  readonly libraries: string;
  /** Folder of the stack. */
  readonly dir: string;
  /** One port per broker; the first broker is the controller. */
  readonly ports: readonly number[];
  readonly controllerPort: number;
  readonly fast: boolean;
  readonly supervision: Supervision;
  readonly readyDeadlineMs: number;
}

const GONE_POLL_MS = 20;

/** Starts the brokers one after the other (the first one's id names the cluster) and waits for each. */
export async function startBrokers(setting: BrokersSetting): Promise<readonly LocalBroker[]> {
  const { ports, dir, supervision, readyDeadlineMs } = setting;
  const brokers: LocalBroker[] = [];
  for (const [index, port] of ports.entries()) {
    const command = await prepareKafka({
      ...setting,
      dir: join(dir, brokerName(index + 1)),
      port,
      node: index + 1,
      brokers: ports.length,
      ...(index > 0 && { clusterId: await clusterIdOf(join(dir, brokerName(1))) }),
    });
    const start = async (): Promise<void> => {
      supervision.start(command);
      await supervision.untilReady(command, () => kafkaAnswers(port), readyDeadlineMs);
    };
    await start();
    brokers.push({ address: `127.0.0.1:${port}`, start, ...controls(supervision, command) });
  }
  return brokers;
}

function controls(
  supervision: Supervision,
  { name }: SupervisedCommand,
): Pick<LocalBroker, 'signal' | 'end'> {
  const send = (signal: NodeJS.Signals): void => {
    const pid = supervision.children.get(name);
    if (pid === undefined) throw stackFault('STACK_PART_OFF', `${name} does not run`);
    process.kill(pid, signal);
  };
  return {
    signal: send,
    end: async (signal) => {
      send(signal);
      while (supervision.children.has(name)) await delay(GONE_POLL_MS);
    },
  };
}
