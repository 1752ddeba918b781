export type { Pool, PoolClient } from 'pg';
export { binaryArray, type ArrayType } from './arrays.ts';
export { classify, isDeadlock, isDuplicate } from './classify.ts';
export { earlyRow, type EarlyRow, type NamedStatement } from './early-row.ts';
export { migrate, type Migration } from './migrate.ts';
export { createPool, toInstant, transaction, type PoolOptions } from './pool.ts';
export {
  projectionStore,
  type PostgresProjectionStore,
  type ProjectionStep,
} from './projection-store.ts';
