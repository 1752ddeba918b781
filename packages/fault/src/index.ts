export {
  Fault,
  isFault,
  toFault,
  type FaultCategory,
  type FaultKind,
  type FaultOptions,
  type FaultStage,
} from './fault.ts';
export { type ErrorCode, errorCodes } from './error-codes.ts';
