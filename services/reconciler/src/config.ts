import {
  defineConfig,
  processConfig,
  variable,
  type ConfigOf,
  type ConfigReader,
} from '@waybill/runtime';

const shape = {
  ...processConfig,
  LEDGER_DATABASE_URL: variable.database({
    meaning: 'PostgreSQL with the ledger; the service creates the schema `ledger` there',
  }),
};

/** The reconciler's variables, read and checked. */
export const configReader: ConfigReader<ConfigOf<typeof shape>> = defineConfig(shape);
