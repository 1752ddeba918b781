import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { allTopics } from '@waybill/contracts';
import {
  requestEnvironment,
  requestNodeArguments,
  stateEnvironment,
  stateNodeArguments,
} from '@waybill/runtime';

const root = new URL('../../', import.meta.url);

function text(file: string): string {
  return readFileSync(new URL(file, root), 'utf8');
}

const projects = ['packages', 'services'].flatMap((top) =>
  readdirSync(new URL(top, root)).map((name) => `${top}/${name}`),
);

test('every project has a README of at most a page and a half', () => {
  for (const project of projects) {
    assert.ok(existsSync(new URL(`${project}/README.md`, root)), `${project} has no README.md`);
    assert.ok(text(`${project}/README.md`).length < 14_000, `${project}/README.md is too long`);
  }
});

test('the topic table of the README is that of the catalogue', () => {
  const rows = text('README.md')
    .split('\n')
    .flatMap((line) => /^\| `([a-z.0-9-]+\.v\d+)`\s*\|/.exec(line)?.[1] ?? []);
  assert.deepEqual(rows.toSorted(), allTopics.map((topic) => topic.name).toSorted());
});

test('the compose file starts ingest and the detector with the arguments that are measured', () => {
  const compose = text('docker-compose.yml').replaceAll(/[\s[\],]+/g, ' ');
  for (const given of [requestNodeArguments, stateNodeArguments]) {
    const command = ['node', ...given, 'service/src/main.ts'].join(' ');
    assert.ok(compose.includes(command), command);
  }
  for (const given of [requestEnvironment, stateEnvironment]) {
    for (const [name, value] of Object.entries(given)) {
      assert.ok(compose.includes(`${name}: '${value}'`), `${name}: ${value}`);
    }
  }
});

interface Code {
  readonly kind: string;
  readonly meaning: string;
}

function isCodes(value: unknown): value is Record<string, Code> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).length > 0 &&
    Object.values(value).every(
      (code) => typeof code === 'object' && code !== null && 'meaning' in code,
    )
  );
}

for (const service of readdirSync(new URL('services', root))) {
  test(`${service}: every error code stands in its README`, async () => {
    const module: Record<string, unknown> = await import(`../../services/${service}/src/errors.ts`);
    const codes = Object.values(module)
      .filter(isCodes)
      .flatMap((table) => Object.keys(table));
    assert.ok(codes.length > 0, `services/${service}/src/errors.ts declares no codes`);
    const readme = text(`services/${service}/README.md`);
    assert.deepEqual(
      codes.filter((code) => !readme.includes(code)),
      [],
    );
  });
}
