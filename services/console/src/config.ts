import {
  defineConfig,
  processConfig,
  variable,
  type ConfigOf,
  type ConfigReader,
} from '@waybill/runtime';

const shape = {
  ...processConfig,
  CONTROL_DATABASE_URL: variable.database({
    meaning: 'PostgreSQL of what people decide; the service creates the schema `control` there',
  }),
  LEDGER_DATABASE_URL: variable.database({
    meaning: 'PostgreSQL with the ledger, read only, for GET /why',
  }),
  DRIVER_PLAN_PAUSE_S: variable.integer(
    {
      meaning: 'between two readings of the plans of drivers from the ERPs',
      unit: 's',
      minimum: 1,
      maximum: 86_400,
    },
    60,
  ),
};

/** The console's variables, read and checked. */
export const configReader: ConfigReader<ConfigOf<typeof shape>> = defineConfig(shape);
