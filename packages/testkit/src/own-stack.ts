import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack, type Stack, type StackOptions } from '@waybill/stack';

/** Which servers to start; default all. */
export type StackParts = Pick<StackOptions, 'kafka' | 'registry' | 'postgres' | 'brokers'>;

/** Starts servers for one test file in a temporary folder; `stop` ends them and deletes the folder. */
export async function startOwnStack(parts: StackParts): Promise<Stack> {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-test-'));
  const remove = (): Promise<void> => rm(dir, { recursive: true, force: true });
  try {
    const stack = await startStack({ ...parts, dir, fast: true, log: () => undefined });
    return {
      // Not a spread: asking for the address of a part that is off throws.
      get kafka() {
        return stack.kafka;
      },
      get registry() {
        return stack.registry;
      },
      get postgres() {
        return stack.postgres;
      },
      get pids() {
        return stack.pids;
      },
      createDatabase: stack.createDatabase,
      stop: async () => {
        await stack.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
