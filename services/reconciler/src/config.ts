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
  COMPLETENESS_DAYS: variable.integer(
    {
      minimum: 41,
      maximum: 3660,
      unit: 'days',
      meaning: 'hours of completeness older than the newest one by more than this are let go',
    },
    400,
  ),
};

/** The reconciler's variables, read and checked. */
export const configReader: ConfigReader<ConfigOf<typeof shape>> = defineConfig(shape);
