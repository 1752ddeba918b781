import { crossChecks } from './cross-checks.ts';
import { schemaProblems } from './model-problems.ts';
import { tenantModel, type TenantModel } from './model.ts';
import { pathText, tenantInvalid } from './problem.ts';

/**
 * Checks a model that came without files (over HTTP, out of a topic) with the same rules as
 * `loadTenant`. Throws a Fault `misconfigured` / `TENANT_INVALID` with every problem.
 */
export function checkModel(value: unknown): TenantModel {
  const parsed = tenantModel.safeParse(value);
  const found = parsed.success
    ? crossChecks(parsed.data)
    : schemaProblems(tenantModel, value, parsed.error.issues);
  if (parsed.success && found.length === 0) return parsed.data;
  throw tenantInvalid(
    'tenant document',
    found.map(({ path, what, fix }) => ({
      file: 'document',
      line: undefined,
      path: pathText(path),
      what,
      fix,
    })),
  );
}
