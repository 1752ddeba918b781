import { spawn } from 'node:child_process';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached } from './cache.ts';
import { reasonOf, stackFault } from './errors.ts';
import type { Jdk } from './jdk.ts';

const KAFKA_VERSION = '4.3.1';
const REGISTRY_VERSION = '3.3.3';
const KAFKA_POM = fileURLToPath(new URL('../maven/kafka.pom.xml', import.meta.url));

export interface FetchContext {
  readonly home: string;
  readonly jdk: Jdk;
  readonly log: (line: string) => void;
}

/** Runs a program to its end; resolves with its output, whatever the exit code. */
async function execute(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number; readonly output: string }> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, output }));
  });
}

/** The one line of Maven's output that names the cause. */
function firstError(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  return lines.find((line) => line.startsWith('[ERROR]')) ?? lines.findLast(Boolean) ?? 'no output';
}

async function maven(context: FetchContext, args: readonly string[]): Promise<void> {
  const env = { ...process.env, JAVA_HOME: context.jdk.home };
  const { code, output } = await execute('mvn', ['-q', '-B', ...args], env).catch(
    (error: unknown) => {
      const found = reasonOf(error) === 'ENOENT' ? 'not on the PATH' : reasonOf(error);
      throw stackFault('STACK_NO_MAVEN', `needs Maven, mvn is ${found}: install it`, {
        otherWay: true,
        cause: error,
      });
    },
  );
  if (code !== 0) {
    throw stackFault('STACK_FETCH_FAILED', `mvn ended with ${code}: ${firstError(output)}`);
  }
}

/** Folder with the jars of the broker and its tools. */
export async function kafkaLibraries(context: FetchContext): Promise<string> {
  return cached({
    home: context.home,
    name: `kafka-${KAFKA_VERSION}`,
    title: `Kafka ${KAFKA_VERSION} (54 MB)`,
    log: context.log,
    fill: async (folder) => {
      await maven(context, [
        '-f',
        KAFKA_POM,
        'dependency:copy-dependencies',
        '-DincludeScope=runtime',
        `-DoutputDirectory=${folder}`,
      ]);
      await chmod(folder, 0o755);
    },
  });
}

/** Folder of the unpacked Apicurio Registry; `quarkus-run.jar` is at its root. */
export async function registryHome(context: FetchContext): Promise<string> {
  return cached({
    home: context.home,
    name: `apicurio-registry-${REGISTRY_VERSION}`,
    title: `Apicurio Registry ${REGISTRY_VERSION} (159 MB)`,
    log: context.log,
    fill: async (folder) => {
      // Not by a pom: its transitive dependencies are inside the archive already.
      await maven(context, [
        'dependency:copy',
        `-Dartifact=io.apicurio:apicurio-registry-app:${REGISTRY_VERSION}:tar.gz:all`,
        `-DoutputDirectory=${folder}`,
      ]);
      const archive = join(folder, `apicurio-registry-app-${REGISTRY_VERSION}-all.tar.gz`);
      const { code, output } = await execute('tar', ['xzf', archive, '-C', folder], process.env);
      if (code !== 0) throw stackFault('STACK_FETCH_FAILED', `tar: ${firstError(output)}`);
      await rm(archive);
      await chmod(folder, 0o755);
    },
  });
}
