import { Command } from 'commander';
import { doctorCommand } from './command-webhook-doctor.ts';
import { recordCommand } from './command-webhook-record.ts';
import { replayCommand } from './command-webhook-replay.ts';
import { sendCommand } from './command-webhook-send.ts';
import { signCommand } from './command-webhook-sign.ts';
import { verifyCommand } from './command-webhook-verify.ts';
import type { Run } from './run.ts';

/** `waybill webhook …`: what senders of webhooks need. */
export function webhookCommand(run: Run): Command {
  return new Command('webhook')
    .description(
      'send, record and replay webhooks; sign and check them, find out why one is refused',
    )
    .addCommand(sendCommand(run))
    .addCommand(recordCommand(run))
    .addCommand(replayCommand(run))
    .addCommand(signCommand(run))
    .addCommand(verifyCommand(run))
    .addCommand(doctorCommand(run));
}
