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
