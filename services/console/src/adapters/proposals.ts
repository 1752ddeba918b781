import { topics, type ProposalChanged } from '@waybill/contracts';
import type { Streams } from '@waybill/stream';
import type { Proposals } from '../ports.ts';

/** Follows the proposals: about a kilobyte for each that is open or was decided within 35 days. */
export async function followProposals(streams: Pick<Streams, 'follow'>): Promise<Proposals> {
  const known = new Map<string, ProposalChanged>();
  await streams.follow([topics.proposal], (_topic, key, message) => {
    if (message === null) known.delete(key);
    // The topic has one contract.
    else known.set(key, message.value as ProposalChanged);
  });
  return { all: () => [...known.values()] };
}
