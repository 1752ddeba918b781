import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { stackFault } from './errors.ts';
import { findJdk } from './jdk.ts';
import { kafkaLibraries } from './maven.ts';
import { defaultHome } from './stack.ts';

/**
 * Runs a class of Kafka's own tools with the jars of the stack and returns what it prints; `input` is
 * its standard input. Throws a Fault when it fails.
 */
export async function kafkaTool(
  mainClass: string,
  args: readonly string[],
  input = '',
): Promise<string> {
  const jdk = await findJdk(process.env);
  const log = (): void => undefined;
  const libraries = await kafkaLibraries({ home: resolve(defaultHome()), jdk, log });
  const jvm = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  const classPath = join(libraries, '*');
  const tool = spawn(jdk.java, [...jvm, '-cp', classPath, mainClass, ...args]);
  tool.stdin.end(input);
  const [output, errors] = await Promise.all([
    text(tool.stdout),
    text(tool.stderr),
    tool.exitCode === null ? once(tool, 'exit') : undefined,
  ]);
  if (tool.exitCode !== 0) {
    throw stackFault('STACK_PART_FAILED', `${mainClass} ended with ${tool.exitCode}: ${errors}`);
  }
  return output;
}
