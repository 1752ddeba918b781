import { Command } from 'commander';
import { recordCommand } from './command-webhook-record.ts';
import { replayCommand } from './command-webhook-replay.ts';
import { sendCommand } from './command-webhook-send.ts';
import type { Run } from './run.ts';

/** `waybill webhook …`: what senders of webhooks need. */
export function webhookCommand(run: Run): Command {
  return new Command('webhook')
    .description('send, record and replay webhooks')
    .addCommand(sendCommand(run))
    .addCommand(recordCommand(run))
    .addCommand(replayCommand(run));
}
