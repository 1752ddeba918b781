export type { LocalBroker } from './brokers.ts';
export { kafkaTool } from './kafka-tool.ts';
export { defaultHome, type Stack, type StackOptions, startStack } from './stack.ts';
export { freePort } from './ports.ts';
export { STACK_CODES, type StackCode } from './errors.ts';
