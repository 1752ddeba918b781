import type { TenantModel } from './model.ts';
import type { ModelProblem } from './problem.ts';
import { allowlistProblems } from './webhook-checks.ts';

/** Rules between the parts of a source that sends by Wialon IPS, and between it and the others. */
export function ipsProblems({ sources }: TenantModel): ModelProblem[] {
  const hasAccount = sources.some(({ kind }) => kind === 'wialon');
  return sources.flatMap((source, index): ModelProblem[] => {
    if (source.kind !== 'ips') return [];
    const at = ['sources', index];
    const problems = allowlistProblems(source.allowlist, at);
    if (Object.keys(source.secrets).length === 0 && source.allowlist === undefined) {
      problems.push({
        path: [...at, 'secrets'],
        what: 'a sender without a password and without an allowlist could be anybody',
        fix: 'add a password under a key id such as k1, or allowlist with its addresses',
      });
    }
    if (!hasAccount) {
      problems.push({
        path: [...at, 'kind'],
        what: 'units are known by the device ids of a Wialon account, and no source is one',
        fix: 'add a wialon source',
      });
    }
    return problems;
  });
}
