import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { Fault } from '@waybill/fault';

/** A request as it was saved. */
export interface SavedRequest {
  /** Lower case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** When it was received, ms since epoch; undefined when nobody said. */
  readonly receivedTime: number | undefined;
}

export interface RequestOptions {
  readonly request?: string;
  readonly body?: string;
  readonly header?: readonly string[];
  readonly now?: string;
}

function append(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

export const requestOptions: readonly Option[] = [
  new Option(
    '--request <file>',
    'saved request: a raw HTTP message, or JSON {headers, body or body_base64, at}',
  ),
  new Option('--body <file>', 'the body alone; - reads standard input'),
  new Option('--header <line>', 'a header, "Name: value", repeatable').argParser(append),
  new Option(
    '--now <time>',
    "receiver's clock, ISO 8601 or unix seconds (default: when saved, or now)",
  ),
];

function invalid(message: string): Fault {
  return new Fault(message, { kind: 'malformed', code: 'REQUEST_INVALID', stage: 'decode' });
}

/** Reads bytes of a file or of standard input. Fault `malformed` / `REQUEST_INVALID`. */
export async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file === '-' ? '/dev/stdin' : file);
  } catch {
    throw invalid(`cannot read ${file}`);
  }
}

/** The request that the options describe; single options win over the saved file. */
export async function readRequest(options: RequestOptions): Promise<SavedRequest> {
  const { request, body, header = [] } = options;
  if (request === undefined && body === undefined) {
    throw invalid('expected --request <file>, or --body <file> with --header; found neither');
  }
  const saved = request === undefined ? undefined : parseSaved(await readBytes(request), request);
  return {
    headers: { ...saved?.headers, ...headersOf(header) },
    body: body === undefined ? (saved?.body ?? Buffer.alloc(0)) : await readBytes(body),
    receivedTime: options.now === undefined ? saved?.receivedTime : timeOf(options.now),
  };
}

function timeOf(text: string): number {
  const time = /^\d{1,12}$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isFinite(time)) return time;
  throw invalid(`expected a time such as 2026-11-20T09:14:05Z or 1763630045, found ${text}`);
}

function headersOf(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw invalid(`expected a header "Name: value", found ${line.slice(0, 20)}…`);
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

function parseSaved(bytes: Buffer, file: string): SavedRequest {
  if (bytes.subarray(0, 1).toString() === '{') return parseJson(bytes, file);
  // Latin-1 keeps every byte in its place.
  const text = bytes.toString('latin1');
  const end = /\r?\n\r?\n/.exec(text);
  const head = end === null ? text : text.slice(0, end.index);
  const [first = '', ...lines] = head.split(/\r?\n/);
  const isMessage = /^[A-Z]+ \S+ HTTP\/[\d.]+$/.test(first);
  if (!isMessage) throw invalid(`expected an HTTP message or a JSON object in ${file}`);
  const at = end === null ? bytes.length : end.index + end[0].length;
  return { headers: headersOf(lines), body: bytes.subarray(at), receivedTime: undefined };
}

function parseJson(bytes: Buffer, file: string): SavedRequest {
  let value: Readonly<Record<string, unknown>>;
  try {
    value = JSON.parse(bytes.toString('utf8')) as typeof value;
  } catch {
    throw invalid(`expected one JSON object in ${file}`);
  }
  const { headers, body, body_base64: base64, at } = value;
  const isSaved =
    typeof headers === 'object' &&
    headers !== null &&
    Object.values(headers).every((text) => typeof text === 'string') &&
    (typeof body === 'string' || typeof base64 === 'string');
  if (!isSaved) throw invalid(`expected {headers, body or body_base64} in ${file}`);
  const entries = Object.entries(headers as Record<string, string>);
  return {
    headers: Object.fromEntries(entries.map(([name, text]) => [name.toLowerCase(), text])),
    body: typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(String(body)),
    receivedTime: typeof at === 'string' ? timeOf(at) : undefined,
  };
}
