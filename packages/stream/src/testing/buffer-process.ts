/**
 * A process of its own for the kill tests of buffers: appends the text of every record to the buffer of
 * its key, keeps the newest ten, counts in the store, and emits "count:buffer". The store says what the
 * buffer must be, so a wrong one shows in the output.
 */
import { writeSync } from 'node:fs';
import type { StreamLogger } from '../port.ts';
import { connectStreams } from '../streams.ts';
import { bufferWorker } from './buffers.ts';

const { BROKERS = '', REGISTRY = '', NAMESPACE = '', STATE_DIR = '' } = process.env;
const STDOUT = 1;
const say = (line: string): void => {
  writeSync(STDOUT, `${line}\n`);
};
const log = (fields: object, message: string): void => say(`${message} ${JSON.stringify(fields)}`);
const logger: StreamLogger = { info: log, warn: log, error: log };

const streams = await connectStreams({
  brokers: BROKERS.split(','),
  registryUrl: REGISTRY,
  clientId: 'buffers',
  namespace: NAMESPACE,
  logger,
  state: { directory: STATE_DIR, snapshotIntervalMs: 200 },
});
const runner = await streams.transact(bufferWorker({ handled: () => say('handling') }));
process.once('SIGTERM', () => {
  void streams.close().then(() => process.exit(0));
});
await runner.done;
