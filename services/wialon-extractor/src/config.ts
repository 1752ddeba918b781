import { defineConfig, processConfig, type ConfigOf, type ConfigReader } from '@waybill/runtime';

/** The extractor's variables, read and checked: what it reads, and how, stands in the tenant files. */
export type Config = ConfigOf<typeof processConfig>;

/** The extractor's variables. */
export const configReader: ConfigReader<Config> = defineConfig(processConfig);
