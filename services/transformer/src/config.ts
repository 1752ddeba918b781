import {
  defineConfig,
  processConfig,
  variable,
  type ConfigOf,
  type ConfigReader,
} from '@waybill/runtime';

const shape = {
  ...processConfig,
  KAFKA_TASK_PARTITIONS: variable.integer(
    {
      minimum: 1,
      maximum: 1024,
      unit: 'partitions',
      meaning: 'partitions of fleet.position.event.v1, as provisioned; progress goes to each',
    },
    8,
  ),
};

/** The transformer's variables, read and checked. */
export type Config = ConfigOf<typeof shape>;

/** The transformer's variables. */
export const configReader: ConfigReader<Config> = defineConfig(shape);
