import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Stack } from '@waybill/stack';

/** The peers stand beside the repository; nothing but a comparison needs them. */
export const peersDir: string = fileURLToPath(new URL('../../../shared/peers/', import.meta.url));

/** True when the peers are there; says so in one line when they are not. */
export function hasPeers(): boolean {
  const found = existsSync(`${peersDir}run.sh`);
  if (!found) console.error(`no peers: expected ../shared/peers beside the repository`);
  return found;
}

/** Environment that points the peers at our broker, registry and database. */
export function peerAddresses(stack: Stack): Record<string, string> {
  const { port, username, password } = new URL(stack.postgres.adminUrl);
  return {
    PEERS_BROKERS: stack.kafka.brokers.join(','),
    PEERS_REGISTRY: new URL(stack.registry.url).origin,
    PEERS_PGPORT: port,
    PEERS_PGUSER: username,
    PEERS_PGPASSWORD: password,
  };
}

/** Runs `run.sh` on our stack, with its progress on standard error; the JSON lines that it printed. */
export async function runPeer(stack: Stack, args: readonly string[]): Promise<readonly object[]> {
  const child = spawn(`${peersDir}run.sh`, [...args], {
    env: { ...process.env, ...peerAddresses(stack) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as object);
}
