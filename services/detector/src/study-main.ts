import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { isFault } from '@waybill/fault';
import { connectStreams } from '@waybill/stream';
import { backtest } from './study/backtest.ts';
import { checkExplained, checkPositions, checkRange, checkUnit } from './study/checks.ts';
import { compareTrips, providerTrips } from './study/compare-trips.ts';
import { explain } from './study/explain.ts';
import {
  configurationOf,
  historyOfFile,
  historyOfLog,
  saveLine,
  type History,
} from './study/history.ts';
import { pictureOf } from './study/picture.ts';
import { renderBacktest, renderExplanation, renderParity } from './study/render.ts';

/*
 * `waybill detect explain | backtest | parity`: the rules of the detector over what was recorded, in a process
 * of their own. The one argument is a request as JSON; the answer goes to stdout.
 */

/** What the command line asks for. */
interface Request {
  readonly command: 'explain' | 'backtest' | 'parity';
  readonly tenant: string;
  readonly unit: string;
  /** ms */
  readonly from: number;
  readonly to: number;
  readonly json: boolean;
  readonly changes: readonly string[];
  /** History file in place of the log. */
  readonly file?: string;
  /** Where to write the history that was read. */
  readonly save?: string;
  /** Where to write the picture. */
  readonly picture?: string;
  /** Answer of unit/get_trips. */
  readonly provider?: string;
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly namespace: string;
}

async function historyOf(request: Request): Promise<History> {
  const { file, tenant, brokers, registryUrl, namespace, save } = request;
  if (file !== undefined) return historyOfFile(file, tenant);
  const warn = (fields: object, message: string): void => {
    // The client's complaints come before the one clear line of what failed, or before a retry.
    if (message === 'kafka.client.complained') return;
    process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
  };
  const logger = { info: () => undefined, warn, error: warn };
  const streams = await connectStreams({
    ...{ brokers, registryUrl, namespace, logger },
    clientId: 'waybill-study',
  });
  const out = save === undefined ? undefined : createWriteStream(save);
  try {
    return await historyOfLog(streams, tenant, (topic, key, message) => {
      out?.write(`${saveLine(topic, key, message)}\n`);
    });
  } finally {
    await streams.close();
    if (out !== undefined) {
      out.end();
      await once(out, 'finish');
    }
  }
}

function answerOf(request: Request, history: History): readonly [unknown, readonly string[]] {
  const { command, tenant: tenantId, unit, from, to, changes } = request;
  if (command === 'backtest') {
    checkPositions(history, tenantId);
    const result = backtest(history, tenantId, changes, { from, to });
    return [result, renderBacktest(result)];
  }
  const question = { tenantId, unit, from, to };
  configurationOf(history, tenantId);
  checkUnit(history, question);
  if (command === 'parity') {
    const answer: unknown = JSON.parse(readFileSync(request.provider ?? '', 'utf8'));
    const rows = compareTrips(history, question, providerTrips(answer));
    return [rows, renderParity(rows)];
  }
  const explanation = explain(history, question);
  checkExplained(history, explanation);
  if (request.picture !== undefined) writeFileSync(request.picture, pictureOf(explanation));
  return [explanation, renderExplanation(explanation)];
}

try {
  // Written by the command, which has checked every part of it.
  const request = JSON.parse(process.argv[2] ?? '') as Request;
  // Before the log is read, which may take minutes.
  checkRange(request);
  const [answer, lines] = answerOf(request, await historyOf(request));
  process.stdout.write(request.json ? `${JSON.stringify(answer)}\n` : `${lines.join('\n')}\n`);
} catch (error) {
  const { message } = error instanceof Error ? error : { message: String(error) };
  process.stderr.write(isFault(error) ? `${message} [${error.code}]\n` : `${message}\n`);
  process.exitCode = isFault(error) && error.kind === 'misconfigured' ? 78 : 1;
}
