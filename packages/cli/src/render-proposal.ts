/** What the console answers about a proposal. */
export interface Proposal {
  readonly tenant_id: string;
  readonly unit: string;
  readonly business_date: string;
  readonly proposal_id: string;
  readonly status: string;
  readonly reason: string | null;
  readonly late_fixes: number;
  readonly fixes: number;
  readonly changes: readonly { readonly entity_id: string; readonly detail: string }[];
  readonly decided_by: string | null;
}

/** A proposal as a few lines. */
export function renderProposal(proposal: Proposal): readonly string[] {
  const { tenant_id: tenant, unit, business_date: date, changes, fixes } = proposal;
  const by = proposal.decided_by === null ? '' : ` by ${proposal.decided_by}`;
  const from = fixes === 0 ? '' : `, from ${fixes} positions`;
  const isSame = changes.length === 0 && ['EMPTY', 'PREVIEW'].includes(proposal.status);
  return [
    `${proposal.proposal_id} ${proposal.status}${by}: ${tenant}/${unit} on ${date}`,
    `  ${proposal.late_fixes} late positions${from}`,
    ...changes.map(({ detail, entity_id: id }) => `  ${detail} (${id.slice(0, 8)})`),
    ...(isSame ? ['  nothing differs from what was published'] : []),
    ...(proposal.reason === null ? [] : [`  reason: ${proposal.reason}`]),
  ];
}
