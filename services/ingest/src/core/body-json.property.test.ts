import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readJson } from './body-json.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch {
    return undefined;
  }
}

/** What JSON.parse takes and we refuse, found by another way: its own walk over the values. */
function isSwallowed(text: string): boolean {
  let swallowed = false;
  JSON.parse(text, (key, value: unknown, ...rest: unknown[]) => {
    const { source = '' } = (rest[0] ?? {}) as { readonly source?: string };
    for (const part of [key, value]) {
      if (typeof part === 'string' && (!part.isWellFormed() || part.includes('\0'))) {
        swallowed = true;
      }
    }
    if (typeof value === 'number') {
      const integer = Number.isInteger(value) && !Number.isSafeInteger(value);
      const lost = !Number.isFinite(value) || (value === 0 && /[1-9].*[eE]|[1-9]/.test(source));
      if (integer || lost) swallowed = true;
    }
    return value;
  });
  return swallowed;
}

test('of any JSON value comes what JSON.parse makes of it, or a refusal with a reason', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const read = readJson(bytes(text));
      if (isSwallowed(text)) assert.equal(read.kind, 'malformed');
      else assert.deepEqual(read, { kind: 'json', value: parsed(text)?.value });
    }),
    { numRuns: 500 },
  );
});

const token = fc.constantFrom(
  ...['{', '}', '[', ']', ',', ':', '"a"', '"a"', '"\\u0061"', '"\\""', '"\\\\"', '"b', '"'],
  ...['1', '-', '0.5', '1e5', '9007199254740993', 'true', 'null', ' ', '\\', 'é', '\n'],
);

test('whatever the tokens, there is no value where JSON.parse has none, and never another one', () => {
  fc.assert(
    fc.property(fc.array(token, { maxLength: 14 }), (tokens) => {
      const text = tokens.join('');
      const read = readJson(bytes(text));
      const expected = parsed(text);
      if (read.kind === 'json') assert.deepEqual(read.value, expected?.value);
      if (expected === undefined) assert.equal(read.kind, 'malformed');
    }),
    { numRuns: 3000 },
  );
});

test('whatever the bytes, there is a verdict', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
      assert.ok(readJson(body).kind);
    }),
  );
});

test('a repeated name is found wherever it stands and however it is written', () => {
  const at = fc.array(fc.constantFrom('list', 'object'), { maxLength: 5 });
  fc.assert(
    fc.property(at, fc.string({ maxLength: 8 }), fc.boolean(), (levels, name, escaped) => {
      fc.pre(name.isWellFormed() && !name.includes('\0'));
      const plain = JSON.stringify(name);
      const first = name[0] ?? '';
      const hex = (first.codePointAt(0) ?? 0).toString(16).padStart(4, '0');
      const other =
        escaped && first !== '' && /[\x21-\x7e]/.test(first)
          ? `"\\u${hex}${JSON.stringify(name.slice(1)).slice(1)}`
          : plain;
      let text = `{${plain}:1,"x ":2,${other}:3}`;
      const path: string[] = [];
      for (const level of levels) {
        text = level === 'list' ? `[0,${text}]` : `{"o":${text}}`;
        path.unshift(level === 'list' ? '1' : 'o');
      }
      const read = readJson(bytes(text));
      assert.equal(read.kind, 'malformed');
      assert.deepEqual(read.violations, [
        { path: [...path, name].join('.'), message: 'expected every name once, found it again' },
      ]);
    }),
  );
});
