import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { findJdk } from './jdk.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'waybill-jdk-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A folder that looks like a JDK home; without `release` its java answers to -version. */
async function fakeJdk(folder: string, version: string, release = true): Promise<string> {
  const home = join(root, folder);
  await mkdir(join(home, 'bin'), { recursive: true });
  const script = `#!/bin/sh\necho 'openjdk version "${version}" 2026-01-01' >&2\n`;
  await writeFile(join(home, 'bin', 'java'), script, { mode: 0o755 });
  if (release) await writeFile(join(home, 'release'), `JAVA_VERSION="${version}"\n`);
  return home;
}

test('the newest JDK wins, wherever it was found', async () => {
  const old = await fakeJdk('old', '17.0.15');
  const onPath = await fakeJdk('path', '21.0.2');
  const newest = await fakeJdk('jvm/temurin-25', '25');
  const found = await findJdk({ JAVA_HOME: old, PATH: `/nowhere:${join(onPath, 'bin')}` }, [
    join(root, 'jvm'),
    join(root, 'missing'),
  ]);
  assert.deepEqual(found, { home: newest, java: join(newest, 'bin', 'java'), major: 25 });
});

test('a JDK without a release file is asked for its version', async () => {
  const home = await fakeJdk('vendor', '23.0.1', false);
  assert.equal((await findJdk({ JAVA_HOME: home }, [])).major, 23);
});

test('the folder layout of macOS is known', async () => {
  await fakeJdk('JavaVirtualMachines/x.jdk/Contents/Home', '24.0.1');
  const found = await findJdk({}, [join(root, 'JavaVirtualMachines')]);
  assert.equal(found.major, 24);
});

test('with only an old JDK one line says what was found, what to do and the other way', async () => {
  const home = await fakeJdk('old', '1.8.0_402');
  await assert.rejects(findJdk({ JAVA_HOME: home }, []), {
    kind: 'misconfigured',
    code: 'STACK_NO_JDK',
    message: `needs a JDK 21 or newer, found 8 in ${home}: install one and set JAVA_HOME, or use \`docker compose up\` instead`,
  });
});

test('without any JDK, or with one that does not run, none is found', async () => {
  const broken = await fakeJdk('broken', '25', false);
  await writeFile(join(broken, 'bin', 'java'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  await assert.rejects(findJdk({ JAVA_HOME: broken, PATH: '' }, []), /found none/);
});
