import { variable } from './variable.ts';

/** Levels of the logger, least important first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Variables that every service has; spread it into `defineConfig`. */
export const processConfig = {
  KAFKA_BROKERS: variable.list({ meaning: 'brokers, host:port,…' }, '127.0.0.1:9092'),
  KAFKA_NAMESPACE: variable.text(
    { meaning: 'prefix of topics, groups, transactional ids and subjects' },
    '',
  ),
  SCHEMA_REGISTRY_URL: variable.address(
    { meaning: 'Confluent-compatible API of the schema registry' },
    'http://127.0.0.1:8081/apis/ccompat/v7',
  ),
  HTTP_HOST: variable.text({ meaning: 'address of /metrics and /health' }, '127.0.0.1'),
  HTTP_PORT: variable.integer(
    {
      minimum: 0,
      maximum: 65_535,
      meaning: 'port of /metrics and /health; 0 = any free one, see service.started',
    },
    0,
  ),
  LOG_LEVEL: variable.oneOf(LOG_LEVELS, { meaning: 'least level that is logged' }, 'info'),
  SECRETS_DIR: variable.optionalText({ meaning: 'root of the mounted-files secret store' }),
  SECRETS_SEALED_FILE: variable.optionalText({
    meaning: 'encrypted file of the sealed secret store',
  }),
  SECRETS_KEY_FILE: variable.optionalText({
    meaning: 'file with the key of the sealed secret store',
  }),
  SECRETS_VAULT_URL: variable.optionalText({
    meaning: 'Vault or OpenBao, for the vault secret store',
  }),
  SECRETS_VAULT_TOKEN_FILE: variable.optionalText({ meaning: 'file with the token for the vault' }),
  SECRETS_VAULT_NAMESPACE: variable.optionalText({ meaning: 'namespace in the vault' }),
  TRACE_POSITION_RATIO: variable.number(
    { minimum: 0, maximum: 1, meaning: 'share of position batches that are traced' },
    0.01,
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable.optionalText({
    meaning: 'OTLP/HTTP collector; not set = tracing off',
  }),
  WAYBILL_PARENT_PID: variable.optionalInteger({
    minimum: 1,
    maximum: 2 ** 31 - 1,
    meaning: 'the service stops in order when this process is gone',
  }),
};

const MIB = 1 << 20;

/** Variables of services whose tasks keep state; spread it beside `processConfig`. */
export const stateConfig = {
  STATE_DIR: variable.optionalText({
    meaning: 'folder of snapshots of buffers; not set = waybill in the temporary folder',
  }),
  STATE_TASK_LIMIT_BYTES: variable.integer(
    {
      minimum: MIB,
      maximum: 2 ** 40,
      unit: 'bytes',
      meaning: 'state of one task; beyond it the task stops with STATE_LIMIT',
    },
    1_024 * MIB,
  ),
  STATE_PROCESS_LIMIT_BYTES: variable.integer(
    {
      minimum: MIB,
      maximum: 2 ** 40,
      unit: 'bytes',
      meaning: 'state of all tasks of the process; beyond it the task that grew stops',
    },
    2_048 * MIB,
  ),
  STATE_SNAPSHOT_INTERVAL_MS: variable.integer(
    {
      minimum: 10,
      maximum: 86_400_000,
      unit: 'ms',
      meaning: 'time between two snapshots of a task; one more is written on stop',
    },
    60_000,
  ),
};

/** The state options of the stream core, from the variables above. */
export function stateOptions(config: {
  readonly STATE_DIR: string | undefined;
  readonly STATE_TASK_LIMIT_BYTES: number;
  readonly STATE_PROCESS_LIMIT_BYTES: number;
  readonly STATE_SNAPSHOT_INTERVAL_MS: number;
}): {
  readonly directory?: string;
  readonly taskLimitBytes: number;
  readonly processLimitBytes: number;
  readonly snapshotIntervalMs: number;
} {
  return {
    ...(config.STATE_DIR !== undefined && { directory: config.STATE_DIR }),
    taskLimitBytes: config.STATE_TASK_LIMIT_BYTES,
    processLimitBytes: config.STATE_PROCESS_LIMIT_BYTES,
    snapshotIntervalMs: config.STATE_SNAPSHOT_INTERVAL_MS,
  };
}
