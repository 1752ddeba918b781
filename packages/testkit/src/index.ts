export { kafkaTool } from '@waybill/stack';
export { configured, sampleTenant } from './sample-tenant.ts';
export { startService, type ServiceProcess } from './service-process.ts';
export { seededRandom, type Random } from './seeded.ts';
export {
  createMemoryLog,
  type MemoryLog,
  type MemoryStreams,
  type Read,
} from './memory/memory-log.ts';
export { createStreamDriver, type DrivenService, type StreamDriver } from './stream-driver.ts';
export {
  testDatabase,
  type TestDatabase,
  testPostgres,
  type TestPostgres,
} from './test-postgres.ts';
export { testNamespace, testStack, type TestStack } from './test-stack.ts';
export { until, type WaitOptions } from './until.ts';
