import { isObject, violation } from './json-reader.ts';
import type { Violation } from './violations.ts';
import { readPushedEvent, readPushedEvents, type PushedEvent } from './webhook-events.ts';

/** Media types of CloudEvents that stand whole in a body, one or several. */
const WHOLE: ReadonlySet<string> = new Set([
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
]);

const SPEC_VERSION = '1.0';

/** A media type in lower case, without its parameters. */
export function mediaTypeOf(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/** Attributes come percent-encoded in headers; what is not is taken as it stands. */
function attribute(text: string | undefined): string | undefined {
  if (text?.includes('%') !== true) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The CloudEvents of a request by their HTTP binding 1.0: the parsed body itself, or (binary) the body as the
 * data of an event whose attributes are the headers `ce-…`. Undefined when its headers name none. Header
 * names in lower case.
 */
export function cloudEventsOf(
  contentType: string | null | undefined,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): { readonly value: unknown } | undefined {
  const specversion = headers['ce-specversion'];
  if (specversion !== undefined) {
    const [id, source] = [attribute(headers['ce-id']), attribute(headers['ce-source'])];
    return { value: { specversion, id, source, type: attribute(headers['ce-type']), data: body } };
  }
  // Nearly all requests have another type; most of them this one.
  if (contentType == null || contentType === 'application/json') return undefined;
  return WHOLE.has(mediaTypeOf(contentType)) ? { value: body } : undefined;
}

/**
 * Reads one CloudEvent that carries one of our events: its `type` is our `event`, its `data` ours. Undefined
 * after its violations were added to `found`; a foreign type is one at `type`.
 */
export function readCloudEvent(
  value: unknown,
  path: string,
  found: Violation[],
): PushedEvent | undefined {
  if (!isObject(value)) {
    found.push(violation(path, 'a CloudEvent', value));
    return undefined;
  }
  const before = found.length;
  const prefix = path === '' ? '' : `${path}.`;
  const { specversion, source, type, id, data } = value;
  if (specversion !== SPEC_VERSION) {
    found.push(violation(`${prefix}specversion`, `"${SPEC_VERSION}"`, specversion));
  }
  if (typeof source !== 'string' || source === '') {
    found.push(violation(`${prefix}source`, 'text of at least one character', source));
  }
  if ('data_base64' in value) {
    found.push(violation(`${prefix}data_base64`, 'JSON in data', value['data_base64']));
    return undefined;
  }
  const inner: Violation[] = [];
  const event = readPushedEvent({ event: type, id, data }, path, inner);
  for (const each of inner) {
    found.push(each.path === `${prefix}event` ? { ...each, path: `${prefix}type` } : each);
  }
  return found.length === before ? event : undefined;
}

/** Reads one CloudEvent or an array of them, as {@link readCloudEvent}. */
export function readCloudEvents(value: unknown, found: Violation[]): readonly PushedEvent[] {
  return readPushedEvents(value, found, readCloudEvent);
}
