export { classifyErp } from './classify.ts';
export { evaluate, readBack, type SqlValue } from './expression.ts';
export { type Columns, type ErpMapping, type Expression } from './mapping.ts';
export {
  type AmendmentKind,
  type ErpAdapter,
  type ErpDescription,
  type ErpEntity,
  type ErpFact,
  type ErpPeriod,
  type ErpRecord,
  type FieldValue,
  type Triple,
  type WriteOutcome,
  type WriteResult,
} from './port.ts';
export { createPostgresErp, type PostgresErpOptions } from './postgres-adapter.ts';
export { compareTriple, newestTriple } from './triple.ts';
