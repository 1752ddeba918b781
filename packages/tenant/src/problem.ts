import { Fault } from '@waybill/fault';

/** One thing that is wrong with a tenant's files, with the way out. */
export interface TenantProblem {
  /** File inside the tenant's folder, or `document` when a model came without files. */
  readonly file: string;
  /** Line from 1; undefined where there is none (a missing file, a model without files). */
  readonly line: number | undefined;
  /** Dotted path of the value, empty for the file as a whole. */
  readonly path: string;
  /** Expected and found; never holds the value of a secret. */
  readonly what: string;
  /** What to do. */
  readonly fix: string;
}

/** Path of a value in the model, as zod writes it. */
export type ModelPath = readonly PropertyKey[];

/** A problem of the model before anybody knows in which file and line it stands. */
export interface ModelProblem {
  readonly path: ModelPath;
  readonly what: string;
  readonly fix: string;
}

/** `sources.0.account`. */
export function pathText(path: ModelPath): string {
  return path.map(String).join('.');
}

/** `tenant.yaml:12 sources.0.account: expected …, found …; do …`. */
export function problemText({ file, line, path, what, fix }: TenantProblem): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return `${place}${path === '' ? '' : ` ${path}`}: ${what}; ${fix}`;
}

/** All problems in one Fault `misconfigured` / `TENANT_INVALID`, one line each after the first. */
export function tenantInvalid(subject: string, problems: readonly TenantProblem[]): Fault {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const lines = problems.map((problem) => `  ${problemText(problem)}`);
  return new Fault(`${subject} is not valid, ${count}:\n${lines.join('\n')}`, {
    kind: 'misconfigured',
    code: 'TENANT_INVALID',
    stage: 'start',
    cause: problems,
  });
}

function isProblem(value: unknown): value is TenantProblem {
  return typeof value === 'object' && value !== null && 'file' in value && 'fix' in value;
}

/** The problems that a `TENANT_INVALID` Fault carries; empty for any other error. */
export function problemsOf(error: unknown): readonly TenantProblem[] {
  if (!(error instanceof Error) || !Array.isArray(error.cause)) return [];
  return error.cause.filter(isProblem);
}
