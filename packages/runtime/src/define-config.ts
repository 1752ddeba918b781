import { Fault } from '@waybill/fault';
import { z } from 'zod';

/** A variable that starts like this and is not declared stops the start: typos must not become defaults. */
const PREFIXES = [
  'KAFKA_',
  'SCHEMA_REGISTRY_',
  'WIALON_',
  'LEDGER_',
  'DELIVERY_',
  'CONTROL_',
  'INGEST_',
  'WAYBILL_',
  'TRACE_',
  'SECRETS_',
] as const;

/** Set for the tools around the services; no service reads them. */
const TOLERATED: ReadonlySet<string> = new Set(['WAYBILL_HOME']);

/** Environment variables as the process got them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One row of a README's configuration table. */
export interface ConfigRow {
  readonly name: string;
  /** Text of the default, `required`, or `none` for an optional variable. */
  readonly default: string;
  readonly unit: string;
  readonly meaning: string;
}

/** The declared variables of one process. C is the frozen record that `readConfig` returns. */
export interface ConfigReader<C = Readonly<Record<string, unknown>>> {
  /**
   * Reads all variables; an empty text counts as not set. Throws one Fault `misconfigured` /
   * `CONFIG_INVALID` with a line per problem: values out of range, missing ones, unknown ones.
   */
  readonly readConfig: (env: Environment) => C;
  readonly describe: () => readonly ConfigRow[];
  /** The values for the start line: secrets as `configured`, passwords in addresses masked. */
  readonly redact: (config: C) => Readonly<Record<string, unknown>>;
}

/** The frozen values of a shape, by variable name. */
export type ConfigOf<S extends z.ZodRawShape> = Readonly<z.infer<z.ZodObject<S>>>;

/**
 * Declares the variables of a process: keys are variable names, values say how the text becomes a
 * value (`variable` has the usual ones). `describe` reads unit and meaning from zod's metadata.
 */
export function defineConfig<S extends z.ZodRawShape>(shape: S): ConfigReader<ConfigOf<S>> {
  const object = z.object(shape);
  return {
    readConfig: (env) => {
      const present = Object.fromEntries(
        Object.keys(shape)
          .filter((name) => env[name] !== undefined && env[name] !== '')
          .map((name) => [name, env[name]]),
      );
      const parsed = object.safeParse(present);
      const problems = [
        ...(parsed.success ? [] : parsed.error.issues.map((issue) => problemOf(issue, present))),
        ...unknownVariables(env, Object.keys(shape)),
      ];
      if (parsed.success && problems.length === 0) {
        return Object.freeze(parsed.data);
      }
      throw new Fault(problems.join('\n'), {
        kind: 'misconfigured',
        code: 'CONFIG_INVALID',
        stage: 'start',
      });
    },
    describe: () => Object.entries(shape).map(([name, schema]) => rowOf(name, schema as z.ZodType)),
    redact: (config) =>
      Object.fromEntries(
        Object.entries(config).map(([name, value]) => [name, redactValue(value)] as const),
      ),
  };
}

function problemOf(issue: z.core.$ZodIssue, present: Record<string, unknown>): string {
  const name = String(issue.path[0]);
  if (!(name in present)) return `${name} is not set; it is required`;
  // The value stays out of the message: it may be a secret that was put into the wrong variable.
  return `${name}: ${issue.message}`;
}

function unknownVariables(env: Environment, declared: readonly string[]): string[] {
  return Object.keys(env)
    .filter((name) => PREFIXES.some((prefix) => name.startsWith(prefix)))
    .filter((name) => !declared.includes(name) && !TOLERATED.has(name))
    .toSorted()
    .map((name) => {
      const near = declared.find((other) => distance(name, other) <= 2);
      const hint = near === undefined ? 'remove it' : `did you mean ${near}?`;
      return `${name} is not a variable of this service; ${hint}`;
    });
}

function rowOf(name: string, schema: z.ZodType): ConfigRow {
  const meta = schema.meta() ?? {};
  const byDefault = schema.safeParse(undefined);
  return {
    name,
    default: byDefault.success ? textOf(byDefault.data) : 'required',
    unit: typeof meta['unit'] === 'string' ? meta['unit'] : '',
    meaning: meta.description ?? '',
  };
}

function textOf(value: unknown): string {
  if (value === undefined) return 'none';
  if (Array.isArray(value)) return value.join(',');
  if (value === '') return "''";
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function redactValue(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (value.startsWith('secret://')) return 'configured';
  return value.replace(/(\w+:\/\/[^:@/\s]*):[^@/\s]*@/, '$1:***@');
}

/** Levenshtein distance; names are short. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
