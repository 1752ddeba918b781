import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);

function text(file: string): string {
  return readFileSync(new URL(file, root), 'utf8');
}

function sources(folder: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
    .map((file) => `${folder}${file}`);
}

/** A module of the client as any way of loading it spells it: import, require, a path inside it. */
const CLIENT = /['"`](?:kafkajs|@kafkajs\/[\w-]+)(?:\/[^'"`]*)?['"`]/;

test('nothing outside packages/stream loads kafkajs, in whatever way', () => {
  const offending = ['packages/', 'services/', 'test/']
    .flatMap(sources)
    .filter(
      (file) => !file.startsWith('packages/stream/') && !file.startsWith('test/architecture/'),
    )
    .filter((file) => CLIENT.test(text(file)));
  assert.deepEqual(offending, []);
  assert.match(
    text('packages/stream/src/client.ts'),
    CLIENT,
    'the pattern finds what it looks for',
  );
});

test('no project but stream depends on kafkajs', () => {
  const projects = ['packages', 'services'].flatMap((top) =>
    readdirSync(new URL(top, root)).map((name) => `${top}/${name}`),
  );
  const having = projects.filter((project) =>
    /"@?kafkajs[/"]/.test(text(`${project}/package.json`)),
  );
  assert.deepEqual(having, ['packages/stream']);
});

/** What one source takes from stream: names, and whether only types. */
function takenFrom(source: string): readonly { readonly name: string; readonly isType: boolean }[] {
  const imports = source.matchAll(/import\s+(type\s+)?\{([^}]*)\}\s*from\s*'@waybill\/stream'/g);
  return [...imports].flatMap(([, type, names = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => ({
        name: name.replace(/^type\s+/, '').replace(/\s+as\s+.*$/, ''),
        isType: type !== undefined || name.startsWith('type '),
      })),
  );
}

const port = new Set(
  [...text('packages/stream/src/port.ts').matchAll(/^export (?:interface|type) (\w+)/gm)].map(
    ([, name]) => name,
  ),
);

/** One line per thing that a service takes from stream besides its port. */
function besidesThePort(file: string, source: string): readonly string[] {
  // A service's further programs, such as study-main, connect themselves too.
  const isMain = /\/src\/(?:[a-z]+-)?main\.ts$/.test(file);
  return takenFrom(source)
    .filter(({ name, isType }) =>
      isType ? !port.has(name) : !(isMain && name === 'connectStreams'),
    )
    .map(({ name }) => `${file} takes ${name}`);
}

test('services use nothing of stream but its port; main connects', () => {
  const files = sources('services/').filter((file) => !/\.test\.ts$|\/testing\//.test(file));
  const offending = files.flatMap((file) => besidesThePort(file, text(file)));
  assert.deepEqual(offending, []);
  const connecting = files.filter((file) => takenFrom(text(file)).some(({ isType }) => !isType));
  assert.ok(connecting.length >= 7, 'every service of the main job connects in its main');
});

test('the check of the port names what is beside it', () => {
  const source = [
    "import { connectStreams, streamFault, type Codecs } from '@waybill/stream';",
    "import type { Outgoing, TaskState } from '@waybill/stream';",
  ].join('\n');
  assert.deepEqual(besidesThePort('services/a/src/main.ts', source), [
    'services/a/src/main.ts takes streamFault',
    'services/a/src/main.ts takes Codecs',
    'services/a/src/main.ts takes TaskState',
  ]);
  assert.deepEqual(
    besidesThePort('services/a/src/b.ts', source)[0],
    'services/a/src/b.ts takes connectStreams',
  );
});
