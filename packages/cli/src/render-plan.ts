import type { WialonPlan } from '@waybill/tenant';
import { table } from './format.ts';

const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

function amount(value: number): string {
  return value > 0 && value < 1 ? 'under 1' : numbers.format(Math.round(value));
}

/** Lines about one account: calls with cost and reason, shares of the limits, and the verdict. */
export function renderPlan(plan: WialonPlan): readonly string[] {
  const title = `${plan.tenant_id}/${plan.source_id} (account ${plan.account})`;
  if (plan.calls.length === 0) return [title, '  nothing is called: no wanted event needs it'];
  const calls = table(
    plan.calls.map((row): [string, string, string, string] => [
      row.call,
      `${amount(row.calls_per_hour)}/h`,
      row.messages_per_hour === 0 ? '' : `${amount(row.messages_per_hour)} messages/h`,
      `${row.what}; for ${row.events.join(', ')}`,
    ]),
  );
  const limits = table(
    plan.limits.map((row): [string, string, string] => [
      row.limit,
      `${amount(row.used)} of ${amount(row.allowed)}`,
      `${Math.round(row.share * 100)} %`,
    ]),
  );
  const verdict =
    plan.refusals.length === 0
      ? ['  fits: at least 50 % of each limit stay in reserve']
      : plan.refusals.map((refusal) => `  refused: ${refusal}`);
  return [
    title,
    ...calls.map((line) => `  ${line}`),
    '  of the limits:',
    ...limits.map((line) => `    ${line}`),
    ...verdict,
  ];
}
