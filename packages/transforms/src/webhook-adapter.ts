import type { WebhookReceived } from '@waybill/contracts';
import type { RecordAddress, Verdict } from './transformed.ts';
import type { SignalReading } from './wialon-message.ts';

/** One element of a pushed body. */
export interface BodyPart {
  /** Index or name in what `within` leads to; undefined = the body is the element. */
  readonly key: number | string | undefined;
  readonly value: unknown;
  /** Its own text, where the body is no JSON. */
  readonly text?: string;
}

/** What an element inherits from the request that it came in. */
export interface PushContext {
  readonly request: WebhookReceived;
  readonly address: RecordAddress;
  /** The whole body, parsed. */
  readonly body: unknown;
  /** Position of the element in the request, for its trace. */
  readonly index: number;
  /** How signals are read by the sensors of a unit. */
  readonly signals: SignalReading;
}

/** Reads the bodies of one kind of sender. */
export interface WebhookAdapter {
  /** Name and version; what a roll-out switches and a log line names. */
  readonly name: string;
  readonly version: number;
  /** Whether a body is of this kind, by its shape and content type: raw records do not say who made them. */
  readonly recognises: (body: unknown, request: WebhookReceived) => boolean;
  /** Names of the members that lead to the elements. */
  readonly within: readonly string[];
  /** Cuts a recognised body into its elements, in the order of their indexes. */
  readonly parts: (body: unknown, request: WebhookReceived) => readonly BodyPart[];
  readonly read: (part: BodyPart, context: PushContext) => Verdict;
}

/** The elements of an array. */
export function elements(array: readonly unknown[]): readonly BodyPart[] {
  return array.map((value, key) => ({ key, value }));
}

const OF_A_SOURCE = /^[a-z][a-z0-9-]{1,40}:/;

/**
 * `<source>:<id>` of a vehicle or geofence that a sender calls `id`. An id that already names its source
 * is kept: a dispatch system may push what belongs to the trackers of another source of its tenant, and
 * a fix that also comes from there is the same fix.
 */
export function ofSource(sourceId: string, id: string): string {
  return OF_A_SOURCE.test(id) ? id : `${sourceId}:${id}`;
}
