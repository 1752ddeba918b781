import { topics, type Topic } from '@waybill/contracts';
import { consoleFault } from './errors.ts';

/** Topics of a service that can rework. */
export interface ReworkTopics {
  readonly commands: Topic;
  readonly state: Topic;
}

const byService: Readonly<Record<string, ReworkTopics>> = {
  'wialon-extractor': { commands: topics.extractorRework, state: topics.extractorReworkState },
  transformer: { commands: topics.transformerRework, state: topics.transformerReworkState },
  detector: { commands: topics.detectorRework, state: topics.detectorReworkState },
};

/** Services that can rework. */
export const reworkServices: readonly string[] = Object.keys(byService);

/** All state topics, for following. */
export const reworkStates: readonly Topic[] = Object.values(byService).map(({ state }) => state);

/** All command topics, for publishing. */
export const reworkCommands: readonly Topic[] = Object.values(byService).map(
  ({ commands }) => commands,
);

/** The topics of a service. Throws `REQUEST_MALFORMED` for one that cannot rework. */
export function reworkTopics(service: string): ReworkTopics {
  const found = byService[service];
  if (found !== undefined) return found;
  throw consoleFault(
    'REQUEST_MALFORMED',
    `expected service as one of ${reworkServices.join(', ')}, found ${service}`,
  );
}
