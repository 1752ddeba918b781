/** `npm run check`: the checks of package.json, the one that keeps a core busy beside all others. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

const lanes = [
  ['check:format'],
  ['check:types', 'check:lint', 'check:dead-code', 'check:architecture'],
];

/** Runs a script of package.json; what it says comes in one piece. */
async function passes(script: string): Promise<boolean> {
  const started = performance.now();
  const child = spawn('npm', ['run', '--silent', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [said, warned, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (code !== 0) process.stdout.write(`${said}${warned}`);
  process.stdout.write(`${code === 0 ? '✔' : '✖'} ${script} (${seconds} s)\n`);
  return code === 0;
}

async function runLane(scripts: readonly string[]): Promise<boolean> {
  let isRight = true;
  for (const script of scripts) isRight = (await passes(script)) && isRight;
  return isRight;
}

const outcomes = await Promise.all(lanes.map(runLane));
process.exitCode = outcomes.every(Boolean) ? 0 : 1;
