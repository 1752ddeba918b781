import {
  defineConfig,
  processConfig,
  variable,
  type ConfigOf,
  type ConfigReader,
} from '@waybill/runtime';

const shape = {
  ...processConfig,
  DELIVERY_DATABASE_URL: variable.database({
    meaning: 'PostgreSQL with the inbox; the service creates the schema `delivery` there',
  }),
  DELIVERY_WORKERS: variable.integer(
    { minimum: 1, maximum: 64, unit: 'lanes', meaning: 'lanes that are worked on at once' },
    8,
  ),
  DELIVERY_ERP_CONNECTIONS: variable.integer(
    { minimum: 1, maximum: 64, unit: 'connections', meaning: 'most connections to one ERP' },
    6,
  ),
  DELIVERY_RETRIES: variable.integer(
    {
      minimum: 0,
      maximum: 20,
      unit: 'retries',
      meaning: 'retries of a row before it is dead-lettered, given that the ERP works',
    },
    5,
  ),
  DELIVERY_OUTBOX_LIMIT: variable.integer(
    {
      minimum: 100,
      maximum: 10_000_000,
      unit: 'messages',
      meaning: 'unpublished outcomes above which nothing more is delivered',
    },
    50_000,
  ),
};

/** The sink's variables, read and checked. */
export type Config = ConfigOf<typeof shape>;

/** The sink's variables. */
export const configReader: ConfigReader<Config> = defineConfig(shape);
