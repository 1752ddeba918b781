export type * from './port.ts';
export { connectAdmin } from './admin.ts';
export { streamErrors, type StreamCode } from './errors.ts';
export { partitionFor } from './partition.ts';
export { connectStreams } from './streams.ts';

// What the in-memory log of testkit shares with the real one; services use nothing of it.
export { distribute } from './assigner.ts';
export { authored, AuthorFailed } from './author.ts';
export { createByteLog } from './byte-log.ts';
export { createCodecs, type Codecs } from './codec.ts';
export { rejectedLetter, unreadableLetter } from './dead-letter.ts';
export { streamFault } from './errors.ts';
export { isSampled, type Unreadable } from './record.ts';
export type { Registry } from './registry.ts';
export { startReworker, type Reworker } from './rework.ts';
export type { ReworkLife, ReworkLog } from './rework-host.ts';
export { createStateLedger, type StateLedger } from './state-ledger.ts';
export { firstToRead } from './task-start.ts';
export { changelogsOf, createTaskState, type TaskState } from './task-state.ts';
