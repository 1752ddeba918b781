/** A process of its own for the kill test of reworks: version 2 of the worker; says `handling` per batch. */
import { writeSync } from 'node:fs';
import { connectStreams } from '../streams.ts';
import { worker } from './reworks.ts';

const { BROKERS = '', REGISTRY = '', NAMESPACE = '' } = process.env;
const STDOUT = 1;
const say = (line: string): void => {
  writeSync(STDOUT, `${line}\n`);
};

const streams = await connectStreams({
  brokers: BROKERS.split(','),
  registryUrl: REGISTRY,
  clientId: 'worker',
  namespace: NAMESPACE,
  logger: {
    info: () => undefined,
    warn: (fields, message) => say(`warn ${message} ${JSON.stringify(fields)}`),
    error: (fields, message) => say(`error ${message} ${JSON.stringify(fields)}`),
  },
});
const runner = await streams.transact(worker('v2', { handled: () => say('handling') }));
process.once('SIGTERM', () => {
  void streams.close().then(() => process.exit(0));
});
await runner.done;
