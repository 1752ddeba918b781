export {
  testDatabase,
  type TestDatabase,
  testPostgres,
  type TestPostgres,
} from './test-postgres.ts';
export { testNamespace, testStack, type TestStack } from './test-stack.ts';
export { until, type WaitOptions } from './until.ts';
