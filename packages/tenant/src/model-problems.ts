import type { z } from 'zod';
import { knownKeys } from './known-keys.ts';
import { nearest } from './nearest.ts';
import { pathText, type ModelPath, type ModelProblem } from './problem.ts';
import { secretReference } from './reference.ts';

type Issue = z.core.$ZodIssue;

function valueAt(value: unknown, path: ModelPath): unknown {
  let at = value;
  for (const key of path) {
    at =
      typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined;
  }
  return at;
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  return Array.isArray(value)
    ? 'a list'
    : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}

/** `did you mean X?`, or the list to choose from. */
export function choose(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? `use one of ${known.join(', ')}` : `did you mean ${near}?`;
}

/** How zod names the rule of a secret reference in its issues. */
const secretRule = ruleOf(secretReference);

function ruleOf(schema: z.ZodString): string | undefined {
  const issue = schema.safeParse('').error?.issues[0];
  return issue && 'pattern' in issue ? issue.pattern : undefined;
}

function secretProblem(path: ModelPath): ModelProblem {
  return {
    path,
    what: 'expected a reference secret://<store>/<path>#<field>, found something else (not shown)',
    fix: 'put the value into the secrets store and write its reference here',
  };
}

function wrongValue(path: ModelPath, options: readonly string[], found: unknown): ModelProblem {
  const word = typeof found === 'string' ? found : '';
  return {
    path,
    what: `expected ${options.join(' or ')}, found ${word === '' ? kindOf(found) : `"${word}"`}`,
    fix: choose(word, options),
  };
}

/** Values stay out of the texts unless they are numbers or choices: any other may be a secret. */
function problemsOfIssue(schema: z.ZodType, raw: unknown, issue: Issue): ModelProblem[] {
  const { path } = issue;
  const found = valueAt(raw, path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(schema, path, raw);
      return issue.keys.map((key) => ({
        path: [...path, key],
        what: `unknown key "${key}"`,
        fix: choose(key, known),
      }));
    }
    case 'invalid_type':
      return [
        {
          path,
          what: `expected ${issue.expected}, found ${kindOf(found)}`,
          fix: found === undefined ? `add ${String(path.at(-1) ?? 'it')}` : 'correct the value',
        },
      ];
    case 'invalid_value':
      return [wrongValue(path, issue.values.map(String), found)];
    case 'invalid_union':
      return [wrongValue(path, (issue as { options?: string[] }).options ?? [], found)];
    case 'invalid_format': {
      if ('pattern' in issue && issue.pattern === secretRule) return [secretProblem(path)];
      return [{ path, what: issue.message, fix: 'correct the value' }];
    }
    case 'too_small':
    case 'too_big': {
      const bound = `${issue.code === 'too_small' ? 'at least' : 'at most'} ${
        issue.code === 'too_small' ? issue.minimum : issue.maximum
      }`;
      const strict = issue.inclusive === false ? ' (exclusive)' : '';
      const shown = typeof found === 'number' ? String(found) : kindOf(found);
      return [
        { path, what: `expected ${bound}${strict}, found ${shown}`, fix: 'correct the value' },
      ];
    }
    default:
      return [{ path, what: issue.message, fix: 'correct the value' }];
  }
}

/** Places where a known key was meant but another word was written. */
function meantPlaces(schema: z.ZodType, raw: unknown, issues: readonly Issue[]): Set<string> {
  const places = new Set<string>();
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const known = knownKeys(schema, issue.path, raw);
    for (const key of issue.keys) {
      const near = nearest(key, known);
      if (near !== undefined) places.add(pathText([...issue.path, near]));
    }
  }
  return places;
}

/**
 * zod's issues as problems with advice. A key that is missing because of a typo is reported once, as
 * the typo.
 */
export function schemaProblems(
  schema: z.ZodType,
  raw: unknown,
  issues: readonly Issue[],
): ModelProblem[] {
  const meant = meantPlaces(schema, raw, issues);
  return issues
    .filter((issue) => {
      const missing = issue.code !== 'unrecognized_keys' && valueAt(raw, issue.path) === undefined;
      return !(missing && meant.has(pathText(issue.path)));
    })
    .flatMap((issue) => problemsOfIssue(schema, raw, issue));
}
