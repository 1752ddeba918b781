export {
  defineConfig,
  type ConfigOf,
  type ConfigReader,
  type ConfigRow,
  type Environment,
} from './define-config.ts';
export { variable } from './variable.ts';
export {
  nodeArguments,
  requestEnvironment,
  requestNodeArguments,
  stateEnvironment,
  stateNodeArguments,
} from './node-arguments.ts';
export { processConfig, stateConfig, stateOptions } from './process-config.ts';
export { isSecretReference, resolveSecret, resolveSetting } from './secrets.ts';
export { sealSecrets, type PlainSecrets } from './secret-sealed.ts';
export { secretStores, type SecretStores } from './secret-stores.ts';
export { createLogger, type LogLevel, type Logger } from './logger.ts';
export { createMetrics, streamMetrics, type Metrics, type StreamCounters } from './metrics.ts';
export {
  startTracing,
  type BatchSpan,
  type SpanOptions,
  type Tracing,
  type TracingOptions,
} from './tracing.ts';
export {
  serveHealth,
  type HealthOptions,
  type HealthPosition,
  type HealthReport,
  type HealthServer,
  type Route,
  type RouteAnswer,
  type Routes,
} from './health.ts';
export {
  runService,
  type ProcessSettings,
  type RunningService,
  type ServiceContext,
  type ServiceDefinition,
} from './run-service.ts';
