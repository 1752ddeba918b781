import { parseInstant } from '@waybill/domain';
import { Fault } from '@waybill/fault';

/** The instant of an option as ISO text, null when it was not given. Throws `INSTANT_INVALID`. */
export function instantOption(name: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  const ms = parseInstant(text);
  if (ms !== undefined) return new Date(ms).toISOString();
  throw new Fault(
    `expected --${name} with an offset, such as 2026-01-31T00:00:00Z, found ${text}`,
    { kind: 'malformed', code: 'INSTANT_INVALID', stage: 'decode' },
  );
}
