export { transformPage, transformWebhook } from './transform.ts';
export { pageAdapters, webhookAdapters, type PageAdapter } from './registry.ts';
export type { WebhookAdapter } from './webhook-adapter.ts';
export type {
  RecordAddress,
  RejectionCode,
  SensorsOf,
  SkipReason,
  Transformed,
  TransformedEvent,
  TransformRejection,
  Verdict,
} from './transformed.ts';
export { wialonUnit } from './wialon-items.ts';
export { readBindings, readDriverCodes } from './wialon-drivers.ts';
export { endValidity, joinValidity } from './validity.ts';
export { readGone } from './wialon-gone.ts';
