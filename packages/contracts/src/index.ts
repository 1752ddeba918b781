export type * from './generated/types.ts';
export { allTopics, topics } from './catalogue.ts';
export { cloudEventsOf, mediaTypeOf, readCloudEvent, readCloudEvents } from './cloud-events.ts';
export { BODY_OFFSET, compileContract, schemaIdOf, type Contract } from './contract.ts';
export type { DeliveredEntity } from './delivered-entity.ts';
export { openApiDocument } from './open-api.ts';
export { subjectOf, type Message, type Partitioning, type Topic } from './topic.ts';
export type { Violation } from './violations.ts';
export {
  webhookCatalogue,
  webhookCatalogueCsv,
  type CatalogueEvent,
  type CatalogueField,
} from './webhook-catalogue.ts';
export {
  readPushedEvent,
  readPushedEvents,
  webhookEvents,
  type PushedEvent,
} from './webhook-events.ts';
