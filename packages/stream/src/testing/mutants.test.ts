import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { mutants } from './mutants.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const document = read('../../FAULTS.md');

for (const { without, mutations, test: name } of mutants) {
  test(`the mutant without ${without} applies to the source and stands in FAULTS.md`, () => {
    for (const { file, from } of mutations) {
      assert.equal(read(`../${file}`).split(from).length, 2, `${file}: ${from}`);
    }
    assert.ok(document.includes(`_${name}_`), name);
  });
}
