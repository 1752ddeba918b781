import { createHash } from 'node:crypto';
import { Command, Option } from 'commander';
import { diagnose, dialects, type Diagnosis } from '@waybill/signatures';
import { EXIT, type ExitCode } from './exit-code.ts';
import { instant } from './format.ts';
import type { Run } from './run.ts';
import { ask } from './service-client.ts';
import { jsonOption } from './settings.ts';
import { painter, type Terminal } from './terminal.ts';
import {
  readRequest,
  requestOptions,
  type RequestOptions,
  type SavedRequest,
} from './webhook-request.ts';
import { readSigning, signingOptions, type SigningOptions } from './webhook-secrets.ts';

interface Options extends SigningOptions, RequestOptions {
  readonly requestId?: string;
  readonly ingest: string;
  readonly json?: boolean;
}

/** A row of ingest's audit. */
interface Refusal {
  readonly refused_time: number;
  readonly tenant_id: string | null;
  readonly source_id: string | null;
  readonly reason: string;
  readonly meaning: string;
  readonly detail: string | null;
  readonly client_address: string;
  readonly body_bytes: number;
  readonly body_sha256: string;
}

const help = `
Tries what senders usually get wrong (key, body, signed form, hash, encoding, clock, dialect; alone and two
at a time) until the signature fits. Works without a connection on a saved request; with --request-id it
also reads what ingest noted when it answered 401, and compares the body that arrived. Never shows a secret.

Examples:
  waybill webhook doctor --request saved.http --secret k1.txt
  waybill webhook doctor --body event.json --header "X-Signature: t=…,s=sha256=…" \\
    --tenant deploy/tenants/bay-cabs --source dispatch --secrets-dir secrets
  waybill webhook doctor --request-id 5f0c2a9e-5f0c-4a9e-8f0c-5f0c2a9e5f0c

Exit code: 0 when nothing is wrong, else 1.`;

async function readAudit(options: Options): Promise<Refusal | undefined> {
  const { requestId, ingest } = options;
  if (requestId === undefined) return undefined;
  const path = `/refusals/${encodeURIComponent(requestId)}`;
  // Our own end point; its shape is covered by ingest's tests.
  const answer = (await ask(ingest, path)) as { readonly refusals: readonly Refusal[] };
  return answer.refusals[0];
}

/** What differs between the body that the sender has and the one that arrived. */
function bodyDifference(refusal: Refusal | undefined, request: SavedRequest | undefined): string[] {
  if (refusal === undefined || request === undefined) return [];
  const sha256 = createHash('sha256').update(request.body).digest('hex');
  if (sha256 === refusal.body_sha256) return [];
  const arrived = `${refusal.body_bytes} bytes arrived, ${request.body.length} are here`;
  return [`the body was changed on the way: ${arrived}; look at proxies and at how it is sent`];
}

function showAudit(refusal: Refusal | undefined, options: Options, terminal: Terminal): void {
  if (refusal === undefined) {
    terminal.out(`ingest has noted no refusal ${options.requestId}`);
    return;
  }
  const { tenant_id: tenant, source_id: source, reason, meaning, detail } = refusal;
  const paint = painter(terminal);
  const who = tenant === null ? 'no source' : `${tenant}/${source}`;
  terminal.out(`${instant(refusal.refused_time)}  ${who} from ${refusal.client_address}`);
  terminal.out(`${paint('red', reason)}: ${meaning}`);
  if (detail !== null) terminal.out(`  ${detail}`);
}

function showDiagnosis({ verdict, findings, tried }: Diagnosis, terminal: Terminal): void {
  const paint = painter(terminal);
  if (verdict.kind === 'valid') {
    terminal.out(`${paint('green', 'valid')}: made with ${verdict.keyId}; nothing is wrong here`);
    return;
  }
  terminal.out(`${paint('red', verdict.reason)}: ${verdict.detail}`);
  for (const { code, what, fix, proved } of findings) {
    terminal.out(`  ${paint('bold', code)}${proved ? '' : ' (a guess)'}: ${what}`);
    terminal.out(`    ${fix}`);
  }
  terminal.out(`  ${tried} combinations tried`);
}

/** `waybill webhook doctor`: why a signature is refused. */
export function doctorCommand(run: Run): Command {
  const command = new Command('doctor')
    .description('find out why a signature is refused')
    .option('--request-id <id>', 'Request-Id of a 401: read what ingest noted')
    .addOption(
      new Option('--ingest <url>', 'internal address of ingest, for its audit')
        .env('INGEST_URL')
        .default('http://127.0.0.1:8093'),
    )
    .addOption(jsonOption())
    .addHelpText('after', help);
  for (const option of [...requestOptions, ...signingOptions]) command.addOption(option);
  return command.action((options: Options) => run((terminal) => examine(options, terminal)));
}

async function examine(options: Options, terminal: Terminal): Promise<ExitCode> {
  const refusal = await readAudit(options);
  const isHere = options.request !== undefined || options.body !== undefined;
  // Without a request and a Request-Id this says what is missing.
  const request =
    isHere || options.requestId === undefined ? await readRequest(options) : undefined;
  const diagnosis = request && (await diagnosisOf(request, options));
  const differences = bodyDifference(refusal, request);
  const isFine = refusal === undefined && diagnosis?.verdict.kind === 'valid';
  if (options.json === true) {
    terminal.out(
      JSON.stringify({
        audit: refusal ?? null,
        valid: diagnosis ? diagnosis.verdict.kind === 'valid' : null,
        reason: diagnosis?.verdict.kind === 'invalid' ? diagnosis.verdict.reason : null,
        findings: diagnosis?.findings ?? [],
        differences,
      }),
    );
  } else {
    if (options.requestId !== undefined) showAudit(refusal, options, terminal);
    for (const line of differences) terminal.out(line);
    if (diagnosis !== undefined) showDiagnosis(diagnosis, terminal);
  }
  return isFine ? EXIT.ok : EXIT.failed;
}

async function diagnosisOf(request: SavedRequest, options: Options): Promise<Diagnosis> {
  const { dialect, secrets, toleranceS } = await readSigning(options);
  const nowMs = request.receivedTime ?? Date.now();
  return diagnose({
    dialect: dialects[dialect],
    ...request,
    secrets,
    clock: { nowMs, toleranceS },
  });
}
