import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from './options.ts';

test('without options: the long recording, seed 7, staying up', () => {
  assert.deepEqual(readOptions([]), {
    once: false,
    json: false,
    seed: 7,
    speed: 2000,
    scenario: 'demo',
  });
});

test('--json implies --once: nobody reads a prompt in JSON', () => {
  const options = readOptions(['--json', '--seed', '42']);
  assert.ok(options !== 'help' && options.once && options.seed === 42);
});

const wrong: readonly [readonly string[], RegExp][] = [
  [['--sped', '3'], /--sped/],
  [['--speed', 'fast'], /--speed must be a number from 1 to 100000, not "fast"/],
  [['--seed', '-1'], /--seed/],
  [['--scenario', '../etc'], /--scenario must be demo or short/],
];
for (const [args, message] of wrong) {
  test(`${args.join(' ')} is refused in one line`, () => {
    assert.throws(() => readOptions(args), message);
  });
}
