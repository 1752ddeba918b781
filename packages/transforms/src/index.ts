export { transformPage, transformWebhook } from './transform.ts';
export {
  pageAdapters,
  webhookAdapters,
  type PageAdapter,
  type WebhookAdapter,
} from './registry.ts';
export type {
  RecordAddress,
  RejectionCode,
  SkipReason,
  Transformed,
  TransformedEvent,
  TransformRejection,
  Verdict,
} from './transformed.ts';
export { wialonUnit } from './wialon-items.ts';
