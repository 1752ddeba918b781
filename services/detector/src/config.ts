import {
  defineConfig,
  processConfig,
  stateConfig,
  variable,
  type ConfigOf,
  type ConfigReader,
} from '@waybill/runtime';

const shape = {
  ...processConfig,
  ...stateConfig,
  DETECTOR_MAX_FIXES_PER_UNIT: variable.integer(
    {
      minimum: 100,
      maximum: 10_000_000,
      unit: 'positions',
      meaning: 'positions that a unit retains at most; more are refused as UNIT_LIMIT',
    },
    100_000,
  ),
  DETECTOR_UNPACKED_UNITS: variable.integer(
    {
      minimum: 0,
      maximum: 1_000_000,
      unit: 'units',
      meaning: 'units of a task that stay unpacked in memory, about 16 KiB each',
    },
    150,
  ),
};

/** The detector's variables, read and checked. */
export type Config = ConfigOf<typeof shape>;

/** The detector's variables. */
export const configReader: ConfigReader<Config> = defineConfig(shape);
