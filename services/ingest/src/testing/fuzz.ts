// Requests drawn from the OpenAPI description (right, nearly right, hostile), and the judgement of the answers by it.
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { openApiDocument } from '@waybill/contracts';
import { dayOf, instantOf } from '@waybill/domain';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { signatureOf } from './harness.ts';
import { schemaArbitrary, type Schema } from './schema-arbitrary.ts';

interface Media {
  readonly schema: Schema;
}

interface Response {
  readonly content?: Readonly<Record<string, Media>>;
  readonly headers?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Operation {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, Response>>;
}

// Our own document: the contracts' tests compare it with the committed file.
const document = openApiDocument() as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

const ajv = new Ajv2020({
  strict: false,
  multipleOfPrecision: 6,
  formats: {
    'date-time': (text: string) => instantOf(text) !== undefined,
    date: (text: string) => dayOf(text) !== undefined,
  },
});
ajv.addSchema(document, 'openapi');

function resolve(ref: string): Schema {
  return document.components.schemas[ref.slice(ref.lastIndexOf('/') + 1)] ?? {};
}

/** A schema inside the document, with its references. */
function validator(schema: Schema): (value: unknown) => boolean {
  const text = JSON.stringify(schema).replaceAll('"#/', '"openapi#/');
  return ajv.compile(JSON.parse(text) as Schema);
}

const isBody = validator({ $ref: '#/components/schemas/Body' });

/** One request to send. */
export interface Attempt {
  readonly method: string;
  readonly path: string;
  /** The path as the description has it; undefined = it has none. */
  readonly template: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Nothing but the body decides about the answer. */
  readonly judged: boolean;
}

const hostileBodies: readonly (string | Buffer)[] = [
  '',
  'null',
  '[]',
  '{}',
  '[[[]]]',
  '['.repeat(100_000),
  `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`,
  '{"event":"trip.status.changed","event":"x","id":"1","data":{}}',
  '{"__proto__":{"event":"trip.status.changed"},"constructor":1}',
  '{"event":{"toString":1},"id":["x"],"data":null}',
  '{"event":"trip.status.changed","id":"\\u0000","data":{"trip_id":"\\ud800"}}',
  '[1e999,-1e999,9007199254740993]',
  `"${'x'.repeat(70_000)}"`,
  Buffer.from([0xff, 0xfe, 0x00, 0x01]),
  Buffer.from('{"event":"trip.status.changed"}', 'utf16le'),
  '<xml/>',
  'event=trip&id=1',
];

const body: fc.Arbitrary<Buffer> = schemaArbitrary(
  { $ref: '#/components/schemas/Body' },
  resolve,
).map((value) => Buffer.from(JSON.stringify(value)));

/** A right body with one piece of its text taken out, doubled, or replaced. */
const nearlyRight: fc.Arbitrary<Buffer> = fc
  .tuple(
    body,
    fc.nat(),
    fc.nat({ max: 12 }),
    fc.constantFrom('', '"', '{', '0', 'null', ',', '\\u0000', '\ufffd', '1e400'),
  )
  .map(([bytes, at, length, piece]) => {
    const text = bytes.toString('utf8');
    const start = at % (text.length + 1);
    return Buffer.from(text.slice(0, start) + piece + text.slice(start + length));
  });

const anyBody = fc.oneof(
  { weight: 5, arbitrary: body },
  { weight: 4, arbitrary: nearlyRight },
  { weight: 2, arbitrary: fc.constantFrom(...hostileBodies).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
);

const LATIN1 = /^[\x20-\x7e\xa0-\xff]{0,40}$/;
const headerText = fc.stringMatching(LATIN1);
const hostileHeader = fc.record({
  name: fc.constantFrom(
    'content-type',
    'accept',
    'x-waybill-source',
    'x-signature',
    'idempotency-key',
    'expect',
    'x-forwarded-for',
    'content-encoding',
    'traceparent',
  ),
  value: fc.oneof(
    headerText,
    fc.constantFrom('', 'gzip', '"', 't=1,s=sha256=', '../..', 'a'.repeat(3000)),
  ),
});

/** undefined = one of its own. */
const key = fc.oneof(
  { weight: 9, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: headerText },
);

/** Segment that cannot leave its place in a path. */
const segment = fc.oneof(
  fc.constantFrom('bay-cabs', 'dispatch', '..', '%00', '%2e%2e', 'x'.repeat(600)),
  fc.stringMatching(/^[a-z%-]{1,12}$/),
);

let sent = 0;

/** A valid event under an id of its own: equal bytes within a second would be a replay. */
function unique(bytes: Buffer): Buffer {
  sent += 1;
  return Buffer.concat([bytes, Buffer.from(' '.repeat(sent % 4096))]);
}

const push: fc.Arbitrary<Attempt> = fc
  .record({
    template: fc.constantFrom(
      ...Object.keys(document.paths).filter((path) => path.startsWith('/webhooks')),
    ),
    segments: fc.option(fc.array(segment, { minLength: 3, maxLength: 3 }), { freq: 4 }),
    body: anyBody,
    key,
    signed: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    hostile: fc.oneof(
      { weight: 8, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(hostileHeader, { maxLength: 2 }) },
    ),
  })
  .map(({ template, segments, body: drawn, key: idempotencyKey, signed, hostile }): Attempt => {
    const own = segments === null || template === '/webhooks/telematics';
    const [tenant = 'bay-cabs', source = 'dispatch', secret = 'x'] = own ? [] : (segments ?? []);
    const path = template
      .replace('{tenant}', tenant)
      .replace('{source}', source)
      .replace('{secret}', secret);
    const bytes = unique(drawn);
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'idempotency-key': idempotencyKey ?? `key-${sent}`,
      'x-signature': signed
        ? signatureOf(bytes, Math.floor(Date.now() / 1000), 'geheim-1')
        : 'none',
      ...(template === '/webhooks/telematics' ? { 'x-waybill-source': 'bay-cabs/dispatch' } : {}),
    };
    for (const { name, value } of hostile) headers[name] = value;
    const isOrdinary = signed && own && hostile.length === 0 && idempotencyKey === undefined;
    const judged = isOrdinary && !template.includes('{secret}');
    return { method: 'POST', path, template, headers, body: bytes, judged };
  });

const TOKENS = '/oauth/token';

/** Requests for tokens: right, nearly right, and anything. */
const tokenRequest: fc.Arbitrary<Attempt> = fc
  .record({
    form: fc.array(
      fc.tuple(
        fc.constantFrom('grant_type', 'client_id', 'client_secret', 'scope'),
        fc.oneof(
          fc.constantFrom('client_credentials', 'bay-cabs/small', 'bay-cabs/dispatch', 'geheim-1'),
          fc.string({ maxLength: 20 }),
        ),
      ),
      { maxLength: 5 },
    ),
    kind: fc.constantFrom('right', 'wrong', 'wrong', 'any'),
    basic: fc.option(fc.oneof(headerText, fc.constant('bay-cabs%2Fsmall:geheim-1')), { freq: 3 }),
  })
  .map(({ form, kind, basic }): Attempt => {
    const secret = kind === 'right' ? 'geheim-1' : 'geheim-9';
    const client = { client_id: 'bay-cabs/small', client_secret: secret };
    const whole = Object.entries({ grant_type: 'client_credentials', ...client });
    const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
    if (kind === 'any' && basic !== null) {
      headers['authorization'] = `Basic ${Buffer.from(basic, 'latin1').toString('base64')}`;
    }
    const text = new URLSearchParams(kind === 'any' ? form : whole).toString();
    const attempt = { method: 'POST', path: TOKENS, template: TOKENS, headers, judged: false };
    return { ...attempt, body: Buffer.from(text) };
  });

const elsewhere: fc.Arbitrary<Attempt> = fc
  .record({
    method: fc.constantFrom('GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'),
    path: fc.oneof(
      fc.constantFrom(
        '/',
        '/webhooks',
        '/webhooks/telematics',
        '/docs/',
        '/metrics',
        '/health',
        '/a//b',
        '/%ff',
        '/?x=1',
      ),
      fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`),
    ),
  })
  .map(({ method, path }): Attempt => ({
    method,
    path,
    template: undefined,
    headers: {},
    body: Buffer.alloc(0),
    judged: false,
  }));

const documents: fc.Arbitrary<Attempt> = fc
  .constantFrom(
    ...Object.keys(document.paths).filter((path) => document.paths[path]?.['get'] !== undefined),
  )
  .map((path): Attempt => ({
    method: 'GET',
    path,
    template: path,
    headers: {},
    body: Buffer.alloc(0),
    judged: false,
  }));

/** Any request. */
export const attempts: fc.Arbitrary<Attempt> = fc.oneof(
  { weight: 12, arbitrary: push },
  { weight: 3, arbitrary: tokenRequest },
  { weight: 2, arbitrary: elsewhere },
  { weight: 1, arbitrary: documents },
);

export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const ANSWER_WITHIN_MS = 5000;

/** Sends one request to the service at `port`; rejects when no answer comes in time. */
export function sendAttempt(port: number, attempt: Attempt): Promise<Received> {
  return new Promise((done, failed) => {
    const { method, path, headers, body: bytes } = attempt;
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        headers: { ...headers, 'content-length': bytes.length },
        timeout: ANSWER_WITHIN_MS,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const { statusCode = 0, headers: answered } = response;
          done({ status: statusCode, headers: answered, body: Buffer.concat(chunks) });
        });
        response.on('error', failed);
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', failed);
    request.end(bytes);
  });
}

/** Holds an answer against the description. */
export function judge(attempt: Attempt, received: Received): void {
  const { status, body: bytes } = received;
  assert.ok(status < 500, `${status} is our failure`);
  if (attempt.template === undefined) {
    assert.ok(status === 404 || status === 400, `${status} for an unknown address`);
    return;
  }
  const operation = document.paths[attempt.template]?.[attempt.method.toLowerCase()];
  const response = operation?.responses[String(status)];
  assert.ok(response, `${status} is not declared for ${attempt.template}`);
  for (const [name, { schema }] of Object.entries(response.headers ?? {})) {
    const value = received.headers[name.toLowerCase()];
    if (value !== undefined) assert.ok(validator(schema)(value), `${name}: ${String(value)}`);
  }
  judgeBody(response, received);
  if (attempt.judged) {
    const right = isDescribed(attempt.body);
    assert.equal(
      status === 200,
      right,
      `${status} for a body that is ${right ? 'valid' : 'not valid'}`,
    );
  }
  assert.ok(bytes.length < 1_000_000);
}

function judgeBody(response: Response, { headers, body: bytes, status }: Received): void {
  if (bytes.length === 0) {
    assert.ok(status >= 400, `${status} without a body`);
    return;
  }
  const type = String(headers['content-type']).split(';')[0] ?? '';
  const media = response.content?.[type];
  assert.ok(media, `${type} is not declared for ${status}`);
  const value: unknown = type.endsWith('json') ? JSON.parse(bytes.toString('utf8')) : '';
  if (type !== 'application/json' || status !== 200 || 'accepted' in (value as object)) {
    assert.ok(
      validator(media.schema)(value),
      `${bytes.toString('utf8').slice(0, 300)}: ${ajv.errorsText()}`,
    );
  }
}

/** What the description says of a body's bytes, and what it cannot say: strict JSON, ids apart. */
function isDescribed(bytes: Buffer): boolean {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return false;
  }
  const events: readonly unknown[] = Array.isArray(value) ? value : [value];
  const ids = events.map((event) => (event as { readonly id?: unknown } | null)?.id);
  return isBody(value) && new Set(ids).size === ids.length && isStrict(bytes);
}

/** No names that JSON.parse has merged, no numbers that it has bent, no half characters. */
function isStrict(bytes: Buffer): boolean {
  const text = bytes.toString('utf8');
  let exact = true;
  let names = 0;
  const isWhole = (part: string): boolean => part.isWellFormed() && !part.includes('\0');
  JSON.parse(text, (name, inner: unknown, ...rest: unknown[]) => {
    const { source = '' } = (rest[0] ?? {}) as { readonly source?: string };
    exact &&= isWhole(name) && (typeof inner !== 'string' || isWhole(inner));
    if (typeof inner === 'number') {
      const digits = source
        .replace(/[eE].*/, '')
        .replace(/[-.]/g, '')
        .replace(/^0+|0+$/g, '');
      const isBent = Number.isInteger(inner) && !Number.isSafeInteger(inner);
      exact &&= Number.isFinite(inner) && !isBent && digits.length <= 17;
    }
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
      names += Object.keys(inner).length;
    }
    return inner;
  });
  const texts = text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g);
  return exact && [...texts].filter(([, colon]) => colon !== undefined).length === names;
}
