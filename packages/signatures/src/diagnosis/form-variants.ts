import type { Dialect, Stamp } from '../dialect.ts';
import type { FindingCode, Variant } from './finding.ts';

/** What stands before and after the body in the signed bytes. */
export interface Form {
  readonly before: string;
  readonly after: string;
}

/** Seconds by which the time of the header may differ from the one that was signed: asked for twice. */
const NEAR_S = 5;

/** Ways in which a sender may have put together what it signed; the right one first. */
export function formVariants(dialect: Dialect, stamp: Stamp): Variant<Form>[] {
  const { t, id } = stamp;
  const variants: Variant<Form>[] = [];
  const add = (code: FindingCode | undefined, what: string, before: string, after = ''): void => {
    if (variants.some(({ value }) => value.before === before && value.after === after)) return;
    variants.push({ code, what, value: { before, after } });
  };
  const complete = dialect.stamp.every((part) => stamp[part] !== undefined);
  if (complete) add(undefined, 'the form of the dialect', dialect.prefix(stamp));
  add('signed_form', 'the body alone was signed', '');
  if (t === undefined) return variants;
  add('signed_form', 'there was no dot between time and body', t);
  add('signed_form', '<time>.<body> was signed', `${t}.`);
  add('signed_form', '<time>:<body> was signed', `${t}:`);
  add('signed_form', 'v1:<time>:<body> was signed', `v1:${t}:`);
  add('signed_form', 'v0:<time>:<body> was signed', `v0:${t}:`);
  add('signed_form', 'a line feed stood between time and body', `${t}\n`);
  add('signed_form', 't=<time>.<body> was signed', `t=${t}.`);
  add('signed_form', '<body>.<time> was signed', '', `.${t}`);
  add('signed_form', '<body><time> was signed', '', t);
  if (id !== undefined) {
    add('signed_form', '<id>.<time>.<body> was signed', `${id}.${t}.`);
    add('signed_form', '<time>.<id>.<body> was signed', `${t}.${id}.`);
    add('signed_form', '<id>.<body> was signed', `${id}.`);
  }
  times(dialect, stamp, complete, add);
  return variants;
}

function times(
  dialect: Dialect,
  stamp: Stamp,
  complete: boolean,
  add: (code: FindingCode, what: string, before: string) => void,
): void {
  const seconds = Number(stamp.t);
  if (!complete || !Number.isSafeInteger(seconds)) return;
  const at = (text: string): string => dialect.prefix({ ...stamp, t: text });
  add('time_unit', 'the time was signed in milliseconds', at(`${seconds * 1000}`));
  add('time_unit', 'the time was signed in seconds', at(String(Math.floor(seconds / 1000))));
  add('signed_form', 'the time was signed without its leading zeros', at(String(seconds)));
  for (let by = -NEAR_S; by <= NEAR_S; by += 1) {
    const what = `the header has another time than what was signed (${by > 0 ? '+' : ''}${by} s)`;
    if (by !== 0) add('signed_form', what, at(String(seconds + by)));
  }
}
