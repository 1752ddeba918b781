import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalAnswer, type RefusalCode } from './core/answer.ts';
import { codes } from './errors.ts';

for (const [code, { kind }] of Object.entries(codes)) {
  test(`${code} (${kind}) is answered with a status that fits its kind`, () => {
    // The keys of `codes` are the refusal codes.
    const { status, headers } = refusalAnswer({ kind: 'refused', code: code as RefusalCode });
    const again = headers['retry-after'] !== undefined;
    if (kind === 'transient') assert.ok([409, 429, 503].includes(status) && again);
    else if (kind === 'bug') assert.equal(status, 500);
    else assert.ok(status >= 400 && status < 500 && !again);
  });
}
