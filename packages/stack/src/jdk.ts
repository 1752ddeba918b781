import { execFile } from 'node:child_process';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { stackFault } from './errors.ts';

const run = promisify(execFile);

/** Kafka runs on 17, the registry is compiled for 21. */
const OLDEST_JAVA = 21;

export interface Jdk {
  readonly home: string;
  readonly java: string;
  readonly major: number;
}

/** Folders whose children are JDK homes, on the systems people develop on. */
function usualFolders(home: string): readonly string[] {
  return [
    '/usr/lib/jvm',
    '/usr/java',
    '/opt/java',
    '/opt/jdk',
    '/opt',
    join(home, '.sdkman/candidates/java'),
    join(home, '.jdks'),
    join(home, '.asdf/installs/java'),
    join(home, '.local/share/mise/installs/java'),
    '/Library/Java/JavaVirtualMachines',
    join(home, 'Library/Java/JavaVirtualMachines'),
    '/opt/homebrew/opt',
    '/usr/local/opt',
  ];
}

async function childrenOf(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.flatMap((name) => [join(folder, name), join(folder, name, 'Contents/Home')]);
}

async function homeOf(java: string): Promise<string | undefined> {
  return realpath(java).then(
    (file) => dirname(dirname(file)),
    () => undefined,
  );
}

/** `25.0.1` → 25; the old scheme `1.8.0` → 8. */
function majorOf(version: string): number {
  const [first = '0', second = '0'] = version.split(/[.+_-]/);
  return Number(first === '1' ? second : first);
}

/** The release file answers without starting a JVM; not every vendor's folder has one. */
async function readJdk(home: string): Promise<Jdk | undefined> {
  const java = join(home, 'bin', 'java');
  const release = await readFile(join(home, 'release'), 'utf8').catch(() => '');
  const stated = /^JAVA_VERSION="?([\d][^"\n]*)"?/m.exec(release)?.[1];
  if (stated !== undefined) return { home, java, major: majorOf(stated) };
  const answer = await run(java, ['-version'], { timeout: 10_000 }).catch(() => undefined);
  const found = /version "([^"]+)"/.exec(answer?.stderr ?? '')?.[1];
  return found === undefined ? undefined : { home, java, major: majorOf(found) };
}

/**
 * The newest JDK among JAVA_HOME, PATH and the usual folders. The system's `java` may be 17 with a
 * newer one beside it. Throws STACK_NO_JDK when none is new enough.
 */
export async function findJdk(
  env: Readonly<Record<string, string | undefined>>,
  folders: readonly string[] = usualFolders(homedir()),
): Promise<Jdk> {
  const candidates: string[] = [];
  if (env['JAVA_HOME']) candidates.push(env['JAVA_HOME']);
  candidates.push(...(env['PATH'] ?? '').split(delimiter).map((folder) => dirname(folder)));
  for (const folder of folders) candidates.push(...(await childrenOf(folder)), folder);
  const pathJavas = (env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'java'));
  const javas = [...pathJavas, ...candidates.map((home) => join(home, 'bin', 'java'))];
  const homes = new Set(
    (await Promise.all(javas.map(homeOf))).filter((home) => home !== undefined),
  );
  const jdks = (await Promise.all([...homes].map(readJdk))).filter((jdk) => jdk !== undefined);
  const newest = jdks.toSorted((a, b) => b.major - a.major)[0];
  if (newest === undefined || newest.major < OLDEST_JAVA) {
    const found = newest === undefined ? 'none' : `${newest.major} in ${newest.home}`;
    throw stackFault(
      'STACK_NO_JDK',
      `needs a JDK ${OLDEST_JAVA} or newer, found ${found}: install one and set JAVA_HOME`,
      { otherWay: true },
    );
  }
  return newest;
}
