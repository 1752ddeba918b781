import { Command } from 'commander';
import { recomputeCommand } from './command-detect-recompute.ts';
import { proposalsCommand, verdictCommand } from './command-detect-proposals.ts';
import type { Run } from './run.ts';

/** `waybill detect`: what the detector found, would find, and may publish. */
export function detectCommand(run: Run): Command {
  return new Command('detect')
    .description('recompute ranges, and decide about what late data would change')
    .addCommand(recomputeCommand(run))
    .addCommand(proposalsCommand(run))
    .addCommand(verdictCommand(run, 'accept'))
    .addCommand(verdictCommand(run, 'reject'));
}
