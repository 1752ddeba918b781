import { Command } from 'commander';
import { recomputeCommand } from './command-detect-recompute.ts';
import { proposalsCommand, verdictCommand } from './command-detect-proposals.ts';
import { backtestCommand, explainCommand, parityCommand } from './command-detect-study.ts';
import type { Run } from './run.ts';

/** `waybill detect`: what the detector found, would find, and may publish. */
export function detectCommand(run: Run): Command {
  return new Command('detect')
    .description('explain what was detected, try other rules, recompute ranges, judge late data')
    .addCommand(explainCommand(run))
    .addCommand(backtestCommand(run))
    .addCommand(parityCommand(run))
    .addCommand(recomputeCommand(run))
    .addCommand(proposalsCommand(run))
    .addCommand(verdictCommand(run, 'accept'))
    .addCommand(verdictCommand(run, 'reject'));
}
