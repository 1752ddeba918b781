import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadTenant, problemsOf, problemText } from './index.ts';
import { ipsProblems } from './ips-checks.ts';

const valid = new URL('../testdata/valid', import.meta.url).pathname;
let root = '';

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'waybill-ips-source-'));
});
after(() => rm(root, { recursive: true }));

/** The valid folder with a further source of these lines. */
async function folderWith(lines: string): Promise<string> {
  const dir = await mkdtemp(join(root, 't-'));
  await cp(valid, dir, { recursive: true });
  const file = join(dir, 'tenant.yaml');
  const text = await readFile(file, 'utf8');
  const source = `sources:\n  - source_id: stream\n    kind: ips\n    ${lines}\n`;
  await writeFile(file, text.replace('sources:\n', source));
  return dir;
}

test('a source of Wialon IPS is known by a password, by its address, or by both', async () => {
  for (const lines of [
    'secrets: { k1: "secret://files/x#ips" }',
    'allowlist: [203.0.113.0/24]',
    'secrets: { k1: "secret://files/x#ips" }\n    allowlist: [203.0.113.7]\n    limit: { requests_per_s: 100, burst: 200 }',
  ]) {
    const { model } = await loadTenant(await folderWith(lines));
    assert.ok(
      model.sources.some(({ kind }) => kind === 'ips'),
      lines,
    );
  }
});

test('a source of Wialon IPS that anybody could be, or with a wrong network, is refused', async () => {
  for (const [lines, what] of [
    ['limit: { requests_per_s: 1, burst: 1 }', /could be anybody/],
    ['allowlist: [203.0.113.0/33]', /expected an address or a network/],
    ['secrets: { k1: geheim }', /expected a reference secret/],
  ] as const) {
    const problems = await loadTenant(await folderWith(lines)).then(
      () => [],
      (error: unknown) => problemsOf(error).map(problemText),
    );
    assert.equal(problems.length, 1, lines);
    assert.match(problems[0] ?? '', what);
    assert.ok(!problems[0]?.includes('geheim'));
  }
});

test('a source of Wialon IPS needs an account, whose units are known by their device ids', async () => {
  const { model } = await loadTenant(await folderWith('allowlist: [203.0.113.7]'));
  assert.deepEqual(ipsProblems(model), []);
  const alone = model.sources.filter(({ kind }) => kind !== 'wialon');
  const problems = ipsProblems({ ...model, sources: alone }).map(({ what }) => what);
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /no source is one/);
});
