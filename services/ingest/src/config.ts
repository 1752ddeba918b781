import {
  defineConfig,
  processConfig,
  variable,
  type ConfigOf,
  type ConfigReader,
} from '@waybill/runtime';

// Bounds, not only defaults, keep the longest send under the shortest lease: a claim must not be taken
// over while its first holder still waits for the brokers.
const shape = {
  ...processConfig,
  INGEST_DATABASE_URL: variable.database({
    meaning: 'database of the claims; schema ingest is made and migrated at start',
  }),
  INGEST_HTTP_HOST: variable.text({ meaning: 'address of the webhook listener' }, '127.0.0.1'),
  INGEST_HTTP_PORT: variable.integer(
    {
      minimum: 0,
      maximum: 65_535,
      meaning:
        'port of the webhook listener; 0 = any free one, see webhook_port of service.started',
    },
    0,
  ),
  INGEST_LEASE_S: variable.integer(
    {
      minimum: 20,
      maximum: 600,
      unit: 's',
      meaning: 'how long a claim blocks its key when the process that holds it dies',
    },
    30,
  ),
  INGEST_SEND_TIMEOUT_MS: variable.integer(
    {
      minimum: 100,
      maximum: 15_000,
      unit: 'ms',
      meaning: 'longest wait for the brokers, and for one statement of the database, before 503',
    },
    10_000,
  ),
  INGEST_IN_FLIGHT_MAX: variable.integer(
    {
      minimum: 1,
      maximum: 10_000,
      unit: 'requests',
      meaning: 'requests at a time; more are answered 503 before their body is read',
    },
    1024,
  ),
  INGEST_IN_FLIGHT_BYTES: variable.integer(
    {
      minimum: 2_097_152,
      maximum: 1_073_741_824,
      unit: 'bytes',
      meaning:
        'bytes of bodies at a time, unconfirmed ones in the log included; more are answered 503',
    },
    33_554_432,
  ),
  INGEST_CONNECTIONS_MAX: variable.integer(
    {
      minimum: 1,
      maximum: 100_000,
      unit: 'connections',
      meaning: 'open connections of senders; more are dropped before a byte is read',
    },
    2000,
  ),
  INGEST_DRAIN_DELAY_MS: variable.integer(
    {
      minimum: 0,
      maximum: 5000,
      unit: 'ms',
      meaning:
        'at a stop, time between ready = false and closing the listener, for the load balancer',
    },
    0,
  ),
  INGEST_DRAIN_DEADLINE_MS: variable.integer(
    {
      minimum: 100,
      maximum: 9000,
      unit: 'ms',
      meaning:
        'at a stop, longest wait for requests at work; then their connections are closed unanswered',
    },
    8000,
  ),
  INGEST_DATABASE_CONNECTIONS: variable.integer(
    { minimum: 1, maximum: 100, unit: 'connections', meaning: 'most connections to the database' },
    8,
  ),
  INGEST_CLAIM_RETENTION_H: variable.integer(
    {
      minimum: 1,
      maximum: 8760,
      unit: 'h',
      meaning: 'how long an Idempotency-Key is remembered; longer than any sender retries',
    },
    168,
  ),
  INGEST_SECRETS_MAX_AGE_MS: variable.integer(
    {
      minimum: 0,
      maximum: 60_000,
      unit: 'ms',
      meaning:
        'how long read secrets are used; from half of it on they are read again; a removed one works so long',
    },
    1000,
  ),
  INGEST_TLS_CERT_FILE: variable.optionalText({
    meaning: 'PEM file of the listener with its chain; not set = plain HTTP, for a proxy in front',
  }),
  INGEST_TLS_KEY_FILE: variable.optionalText({ meaning: 'PEM file of its private key' }),
  INGEST_TLS_CLIENT_CA_FILE: variable.optionalText({
    meaning: 'PEM file of the authority whose client certificates are known by their subject',
  }),
  INGEST_TLS_RELOAD_MS: variable.integer(
    {
      minimum: 100,
      maximum: 3_600_000,
      unit: 'ms',
      meaning: 'how often the TLS files are looked at; changed ones serve new connections',
    },
    30_000,
  ),
  INGEST_TOKEN_KEY: variable.optionalText({
    meaning:
      'secret:// reference of the keys that sign tokens of our own end point; not set = no end point',
  }),
  INGEST_TOKEN_LIFE_S: variable.integer(
    { minimum: 60, maximum: 3600, unit: 's', meaning: 'life of a token of our own end point' },
    600,
  ),
  INGEST_IPS_PORT: variable.optionalInteger({
    minimum: 0,
    maximum: 65_535,
    meaning:
      'port of the Wialon IPS listener, at INGEST_HTTP_HOST; 0 = any free one; not set = no listener',
  }),
  INGEST_IPS_TLS: variable.flag(
    { meaning: 'the Wialon IPS listener speaks TLS, with INGEST_TLS_CERT_FILE' },
    false,
  ),
  INGEST_IPS_CONNECTIONS_MAX: variable.integer(
    {
      minimum: 1,
      maximum: 100_000,
      unit: 'connections',
      meaning: 'open connections of trackers; more are dropped before a byte is read',
    },
    2000,
  ),
  INGEST_IPS_IDLE_S: variable.integer(
    {
      minimum: 1,
      maximum: 86_400,
      unit: 's',
      meaning: 'how long a connection of a tracker may be silent',
    },
    900,
  ),
  INGEST_TRUSTED_PROXIES: variable.list(
    { meaning: 'addresses and networks (CIDR) of proxies whose X-Forwarded-For counts, or none' },
    'none',
  ),
  INGEST_EVENT_ORIGINS: variable.list(
    {
      meaning:
        'host names whose OPTIONS with WebHook-Request-Origin is granted, * for all, or none',
    },
    'none',
  ),
};

/** The values by variable name. */
export type Config = ConfigOf<typeof shape>;

/** The variables of ingest. */
export const configReader: ConfigReader<Config> = defineConfig(shape);
