export type * from './port.ts';
export { connectAdmin } from './admin.ts';
export { streamErrors, type StreamCode } from './errors.ts';
export { partitionFor } from './partition.ts';
export { connectStreams } from './streams.ts';
