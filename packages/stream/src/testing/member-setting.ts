/** What a process of the fault suite reads from its environment and says to its parent. */
import { writeSync } from 'node:fs';
import type { Internals } from '../environment.ts';
import type { Runner, StreamLogger, StreamOptions, Streams } from '../port.ts';

const { BROKERS = '', REGISTRY = '', NAMESPACE = '', ROUTES = '' } = process.env;
const STDOUT = 1;
const READY_LOOK_MS = 50;

export const say = (line: string): void => {
  writeSync(STDOUT, `${line}\n`);
};

const logger: StreamLogger = {
  info: () => undefined,
  warn: (fields, message) => say(`warn ${message} ${JSON.stringify(fields)}`),
  error: (fields, message) => say(`error ${message} ${JSON.stringify(fields)}`),
};

export const options: StreamOptions = {
  brokers: BROKERS.split(','),
  registryUrl: REGISTRY,
  clientId: 'member',
  namespace: NAMESPACE,
  logger,
};

/** ROUTES is `<broker port>:<proxy port>,…`. */
const routes = new Map(
  ROUTES.split(',')
    .filter(Boolean)
    .map((pair) => pair.split(':').map(Number) as [number, number]),
);

export const internals: Internals = { route: (port) => routes.get(port) ?? port };

/** SIGUSR2 sets the wall clock ten minutes ahead, then ten minutes back, then right, and so on. */
function installClock(): void {
  const now = Date.now.bind(Date);
  const jumps = [600_000, -600_000, 0];
  let at = 0;
  process.on('SIGUSR2', () => {
    const jump = jumps[at % jumps.length] ?? 0;
    at += 1;
    Date.now = () => now() + jump;
    say(`clock ${jump}`);
  });
}

/** Stays until SIGTERM or the runner's failure: then one line `failed` and exit code 1. */
export async function stay(streams: Streams, runner: Runner): Promise<void> {
  installClock();
  const look = setInterval(() => {
    if (!runner.ready()) return;
    clearInterval(look);
    say('ready');
  }, READY_LOOK_MS);
  process.once('SIGTERM', () => {
    void streams.close().then(() => process.exit(0));
  });
  await runner.done.catch((error: unknown) => {
    say(`failed ${String(error)}`);
    process.exit(1);
  });
}
