import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { topics } from '@waybill/contracts';
import { freePort, type Stack } from '@waybill/stack';
import { connectAdmin } from '@waybill/stream';
import { peersDir } from '../peers.ts';
import { SECRET } from './requests.ts';
import { targetOf, type Target } from './target.ts';

const cache = process.env['PEERS_CACHE'] ?? '/tmp/peers';
const binary = `${cache}/bento/bento`;
const NAMESPACE = 'bench-peer-';

/** The same peer under our own generator: built before by `runPeer`. */
export async function startPeer(stack: Stack): Promise<Target> {
  if (!existsSync(binary)) throw new Error(`expected the built peer at ${binary}, found nothing`);
  const { brokers } = stack.kafka;
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const admin = await connectAdmin({
    brokers,
    registryUrl: stack.registry.url,
    namespace: NAMESPACE,
    clientId: 'bench',
    logger: silent,
  });
  await admin.provision([topics.webhookRaw], { task: 8, source: 4 });
  await admin.close();
  const port = await freePort();
  const child = spawn(binary, ['-c', `${peersDir}bento/ingest.yaml`], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PORT: String(port),
      SECRET,
      BROKERS: brokers.join(','),
      TOPIC: `${NAMESPACE}${topics.webhookRaw.name}`,
    },
  });
  const exit = once(child, 'exit');
  await Promise.race([
    answering(port),
    exit.then(() => Promise.reject(new Error('the peer ended before it listened'))),
  ]);
  return targetOf(child, port, async () => {
    child.kill('SIGTERM');
    await exit;
  });
}

async function answering(port: number): Promise<void> {
  for (let look = 0; look < 600; look += 1) {
    // One after another until the port is open.
    // oxlint-disable-next-line eslint/no-await-in-loop
    if (await isOpen(port)) return;
    // oxlint-disable-next-line eslint/no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited 60 s for port ${port}`);
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
