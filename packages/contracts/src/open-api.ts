import {
  cloudEventSchema,
  dataSchema,
  envelopeSchema,
  instantSchema,
  type Json,
} from './json-schema.ts';
import { BATCH_EVENTS_MAX, webhookEvents } from './webhook-events.ts';

const PROBLEM = { $ref: '#/components/schemas/Problem' };

const requestId = {
  'Request-Id': { description: 'Names the request in logs and audit.', schema: { type: 'string' } },
};

const wwwAuthenticate = {
  'WWW-Authenticate': { description: 'Of HTTP Basic.', schema: { type: 'string' } },
};

const retryAfter = {
  'Retry-After': {
    description: 'Seconds to wait before the request is repeated.',
    schema: { type: 'string', pattern: '^[0-9]+$' },
  },
};

/** An answer without a body. */
function bare(description: string, headers: Json = {}): Json {
  return { description, headers: { ...requestId, ...headers } };
}

function problem(description: string, headers: Json = {}): Json {
  return {
    ...bare(description, headers),
    content: { 'application/problem+json': { schema: PROBLEM } },
  };
}

/** Every status of the webhook addresses; 4xx are final, 409, 429 and 503 ask for a repeat. */
const answers: Json = {
  200: {
    ...bare(
      'All replicas of the log have the request, now or since an earlier request with its key.',
      {
        'Idempotent-Replayed': {
          description:
            '`true`: an earlier request with this key was accepted; nothing was done again.',
          schema: { const: 'true' },
        },
      },
    ),
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Accepted' } } },
  },
  400: problem(
    'The Idempotency-Key is missing or impossible, or the body is no JSON or beyond the limits. Without body: no valid HTTP.',
  ),
  401: bare('Not authenticated. The reason is in the audit log of the receiver only.', {
    'WWW-Authenticate': { description: 'For bearer tokens.', schema: { type: 'string' } },
  }),
  403: problem('The token is valid, but does not open this source.'),
  404: bare('There is nothing at this address, or it is too long.'),
  408: bare('The request did not arrive in time.'),
  409: problem('The first request with this Idempotency-Key is still at work.', retryAfter),
  413: bare('The body is over 1 MB.'),
  415: problem(
    'The body is compressed (the signature covers plain bytes), then without body; or it is ours and not sent as JSON in UTF-8.',
  ),
  417: bare('Expectations cannot be met.'),
  422: problem('An event breaks its contract, or the Idempotency-Key was used for another body.'),
  429: problem('The source or its tenant sends more than it may.', retryAfter),
  431: bare('The headers are too large.'),
  500: bare('A failure that nobody foresaw; nothing was acknowledged.'),
  503: problem('Overloaded, or the log cannot be reached; nothing was acknowledged.', retryAfter),
};

const sourceHeader: Json = {
  name: 'X-Waybill-Source',
  in: 'header',
  description: '`<tenant>/<source>` of the tenant file; not needed where the path names them.',
  schema: { type: 'string', pattern: '^[a-z][a-z0-9-]{1,40}/[a-z][a-z0-9-]{1,40}$' },
  example: 'bay-cabs/dispatch',
};

const idempotencyKey: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: true,
  description:
    'The same in every repeat of a request; another for another body. Quotes are optional. Vendors that have none get one from what they sign.',
  schema: { type: 'string', pattern: '^[\\x20-\\x7e]{1,257}$' },
  example: '8e03978e-40d5-43dd-bc93-6894a57f9324',
};

function pathParameter(name: string, description: string): Json {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } };
}

const tenant = pathParameter('tenant', 'Tenant.');
const source = pathParameter('source', 'Source in the tenant file.');
const secret = pathParameter('secret', 'Secret of a source that cannot sign.');

const cloudEvent: Json = { $ref: '#/components/schemas/CloudEvent' };

function push(operationId: string, summary: string, parameters: readonly Json[]): Json {
  return {
    post: {
      operationId,
      summary,
      security: [{ signature: [] }, { standardWebhooks: [] }, { token: [] }],
      parameters: [...parameters, idempotencyKey],
      requestBody: {
        required: true,
        description:
          'One event, or an array of up to 1,000 with different ids: taken or refused as a whole. Sources of a vendor’s format may send any JSON object or array.',
        content: {
          'application/json': {
            schema: { $ref: '#/components/schemas/Body' },
            examples: Object.fromEntries(
              webhookEvents.map(({ event, example }) => [event, { value: example }]),
            ),
          },
          'application/cloudevents+json': { schema: cloudEvent },
          'application/cloudevents-batch+json': {
            schema: {
              type: 'array',
              minItems: 1,
              maxItems: BATCH_EVENTS_MAX,
              items: cloudEvent,
            },
          },
        },
      },
      responses: answers,
    },
  };
}

function download(operationId: string, summary: string, mediaType: string): Json {
  const content = { [mediaType]: { schema: { type: 'string' } } };
  return {
    get: {
      operationId,
      summary,
      security: [],
      responses: { 200: { description: summary, content } },
    },
  };
}

const TOKEN_MEDIA = 'application/x-www-form-urlencoded';

/** RFC 6749, 4.4 and 5.2. */
const tokenEndpoint: Json = {
  post: {
    operationId: 'token',
    summary: 'Tokens for sources of scheme oauth2-own, where a token key is configured',
    security: [],
    requestBody: {
      required: true,
      content: {
        [TOKEN_MEDIA]: {
          schema: {
            type: 'object',
            required: ['grant_type'],
            properties: {
              grant_type: { const: 'client_credentials' },
              client_id: { type: 'string', description: '`<tenant>/<source>`; or by HTTP Basic.' },
              client_secret: { type: 'string' },
            },
          },
        },
      },
    },
    responses: {
      ...Object.fromEntries(
        ['404', '408', '413', '415', '431', '500', '503'].map((status) => [
          status,
          answers[status],
        ]),
      ),
      200: tokenAnswer('A token.', 'Token'),
      400: tokenAnswer('The request is not of the form.', 'TokenError'),
      401: tokenAnswer('Unknown client, or a wrong secret.', 'TokenError', wwwAuthenticate),
      429: tokenAnswer('Too many wrong attempts of this address.', 'TokenError', retryAfter),
    },
  },
};

function tokenAnswer(description: string, schema: string, headers: Json = {}): Json {
  return {
    ...bare(description, headers),
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
  };
}

const tokenSchemas: Json = {
  Token: {
    type: 'object',
    required: ['access_token', 'token_type', 'expires_in'],
    properties: {
      access_token: { type: 'string' },
      token_type: { const: 'Bearer' },
      expires_in: { type: 'integer', description: 'Seconds.' },
    },
  },
  TokenError: {
    type: 'object',
    required: ['error'],
    properties: { error: { type: 'string' } },
  },
};

function nameOf(event: string): string {
  return event.replace(/(?:^|[._])([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

const securitySchemes: Json = {
  signature: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Signature',
    description:
      '`t=<unix seconds>,s=sha256=<hex>`: HMAC-SHA256 with the shared secret over `<t>.<raw body>`; up to five `s=` while a secret changes.',
  },
  standardWebhooks: {
    type: 'apiKey',
    in: 'header',
    name: 'webhook-signature',
    description: 'Standard Webhooks 1.0.0, with `webhook-id` and `webhook-timestamp`.',
  },
  token: { type: 'http', scheme: 'bearer', description: 'OAuth2 client credentials.' },
};

const problemSchema: Json = {
  type: 'object',
  description: 'Problem details, RFC 9457.',
  required: ['type', 'title', 'status', 'code'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    code: { type: 'string', pattern: '^[A-Z][A-Z_]+$' },
    'violated-policies': {
      type: 'array',
      items: { type: 'string' },
      description: 'Names of the limits that are used up.',
    },
    violations: {
      type: 'array',
      maxItems: 1000,
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: {
          path: {
            type: 'string',
            description: 'Names and indexes with dots, `3.data.ts`; empty = the whole.',
          },
          message: { type: 'string', description: 'What was expected and what was found.' },
        },
      },
    },
  },
};

/** The description of the webhook door, OpenAPI 3.1, from the contracts of the pushed events. */
export function openApiDocument(): Json {
  const events = webhookEvents.map(({ event, schema, example }) => ({
    event,
    name: nameOf(event),
    schema: envelopeSchema(event, dataSchema(schema), example),
  }));
  const refs = events.map(({ name }) => ({ $ref: `#/components/schemas/${name}` }));
  const base = '/webhooks/telematics';
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Waybill webhooks',
      version: '1.0',
      description:
        'Telematics and dispatch systems push here what happened. Accepted is never lost.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: {
      [base]: push('push', 'Push one event or a batch', [sourceHeader]),
      [`${base}/{tenant}/{source}`]: push('pushToSource', 'The same, named by the path', [
        tenant,
        source,
        sourceHeader,
      ]),
      [`${base}/{tenant}/{source}/{secret}`]: push(
        'pushWithSecret',
        'For senders that cannot sign: the secret stands in the path',
        [tenant, source, secret, sourceHeader],
      ),
      '/oauth/token': tokenEndpoint,
      '/openapi.json': download('describe', 'This description', 'application/json'),
      '/docs': download('read', 'This description for people', 'text/html'),
      '/webhook-catalogue.csv': download('catalogue', 'Every field of every event', 'text/csv'),
    },
    components: {
      securitySchemes,
      schemas: {
        Body: {
          anyOf: [
            { $ref: '#/components/schemas/Event' },
            {
              type: 'array',
              minItems: 1,
              maxItems: BATCH_EVENTS_MAX,
              items: { $ref: '#/components/schemas/Event' },
            },
          ],
        },
        Event: {
          oneOf: refs,
          discriminator: {
            propertyName: 'event',
            mapping: Object.fromEntries(
              events.map(({ event, name }) => [event, `#/components/schemas/${name}`]),
            ),
          },
        },
        ...Object.fromEntries(events.map(({ name, schema }) => [name, schema])),
        CloudEvent: {
          description:
            'One of the events as a CloudEvent; in binary mode its attributes are headers `ce-…` and its data the body.',
          oneOf: webhookEvents.map(({ event, schema }) => cloudEventSchema(event, schema)),
        },
        Instant: instantSchema,
        Accepted: {
          type: 'object',
          required: ['accepted'],
          properties: {
            accepted: {
              type: ['string', 'integer'],
              description: 'The id of a single event, the number of events of a batch.',
            },
          },
        },
        Problem: problemSchema,
        ...tokenSchemas,
      },
    },
  };
}
