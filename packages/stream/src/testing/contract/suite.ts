import { after, before, describe } from 'node:test';
import { adminContract } from './admin.ts';
import { extractContract } from './extract.ts';
import { projectContract } from './project.ts';
import { publishContract } from './publish.ts';
import { reworkContract } from './rework.ts';
import { stateContract } from './state.ts';
import type { Systems } from './system.ts';
import { tablesContract } from './tables.ts';
import { transactFailureContract } from './transact-failures.ts';
import { transactContract } from './transact.ts';
import { versionsContract } from './versions.ts';

/**
 * What the port promises, as tests. They run against the real broker and against the in-memory log, so
 * that neither can lie about the other; a behaviour that only one of them has is not in here. Each test
 * has a system of its own: `concurrency` of them run at once where waiting for a broker is most of the time.
 */
export function streamContract(
  name: string,
  open: () => Promise<Systems>,
  concurrency: number,
): void {
  describe(`the port on ${name}`, { timeout: 600_000, concurrency }, () => {
    let systems: Systems | undefined;
    const opened = (): Systems => {
      if (systems === undefined) throw new Error('the tests run before the systems are open');
      return systems;
    };
    before(async () => {
      systems = await open();
    });
    after(async () => {
      await systems?.stop();
    });
    adminContract(opened);
    publishContract(opened);
    tablesContract(opened);
    transactContract(opened);
    transactFailureContract(opened);
    stateContract(opened);
    reworkContract(opened);
    projectContract(opened);
    extractContract(opened);
    versionsContract(opened);
  });
}
