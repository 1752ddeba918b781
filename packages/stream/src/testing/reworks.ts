import type {
  Message,
  ProviderAlertRaised,
  ReworkFinding,
  ReworkProgressed,
  ReworkRequested,
  ReworkStatus,
  Topic,
} from '@waybill/contracts';
import type { Emitter, Received, Streams, TransactOptions } from '../port.ts';
import { PARTITIONS, text, textOf, topics } from './cluster.ts';

/** A command that chooses nothing yet. */
export function command(id: number, chosen: Partial<ReworkRequested>): ReworkRequested {
  return {
    rework_id: String(id).padStart(32, '0'),
    service: 'worker',
    addresses: [],
    dead_letter_ids: [],
    topic: null,
    key: null,
    from_time: null,
    to_time: null,
    partition: null,
    from_offset: null,
    to_offset: null,
    reread: null,
    preview: false,
    rate_records_per_s: 100_000,
    requested_by: 'test',
    requested_time: id,
    ...chosen,
  };
}

export async function send(streams: Streams, value: ReworkRequested): Promise<void> {
  await publish(streams, { type: 'ReworkRequested', value }, value.rework_id);
}

export async function cancel(streams: Streams, id: string): Promise<void> {
  const value = { rework_id: id, service: 'worker', requested_by: 'test', requested_time: 1 };
  await publish(streams, { type: 'ReworkCancelled', value }, id);
}

async function publish(streams: Streams, message: Message, key: string): Promise<void> {
  const publisher = await streams.publisher([topics.reworkCommand]);
  await publisher.send([{ topic: topics.reworkCommand, key, message }]);
  await publisher.close();
}

/** What all tasks say about one command. */
export interface Outcome {
  readonly statuses: readonly ReworkStatus[];
  readonly done: number;
  readonly refused: number;
  readonly missing: number;
  readonly superseded: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly findings: readonly ReworkFinding[];
  /** Of a preview: elements new, changed, the same, unknown. */
  readonly compared: readonly number[];
  readonly reasons: readonly string[];
}

function summed(shares: readonly ReworkProgressed[]): Outcome {
  const outcomes: Record<string, number> = {};
  for (const { outcome, count } of shares.flatMap((share) => share.outcomes)) {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  const sum = (pick: (share: ReworkProgressed) => number): number =>
    shares.reduce((total, share) => total + pick(share), 0);
  return {
    statuses: [...new Set(shares.map(({ status }) => status))],
    done: sum((share) => share.records_done),
    refused: sum((share) => share.records_refused),
    missing: sum((share) => share.records_missing),
    superseded: sum((share) => share.elements_superseded),
    outcomes,
    findings: shares.flatMap((share) => share.findings),
    compared: [
      sum(({ compared }) => compared?.elements_new ?? 0),
      sum(({ compared }) => compared?.elements_changed ?? 0),
      sum(({ compared }) => compared?.elements_same ?? 0),
      sum(({ compared }) => compared?.elements_unknown ?? 0),
    ],
    reasons: shares.flatMap(({ reason }) => (reason === null ? [] : [reason])),
  };
}

/** Follows the progress of all commands. */
export async function followReworks(
  streams: Streams,
  until: (what: string, condition: () => boolean) => Promise<unknown>,
): Promise<{
  readonly outcome: (id: string) => Outcome;
  /** Waits until every task has ended its share. */
  readonly ended: (id: string) => Promise<Outcome>;
}> {
  const shares = new Map<string, ReworkProgressed>();
  await streams.follow([topics.reworkState], (_topic, key, message) => {
    if (message?.type === 'ReworkProgressed') shares.set(key, message.value as ReworkProgressed);
  });
  const of = (id: string): ReworkProgressed[] =>
    [...shares.values()].filter(({ rework_id }) => rework_id === id);
  return {
    outcome: (id) => summed(of(id)),
    ended: async (id) => {
      await until(`rework ${Number(id)} to end`, () => {
        const found = of(id);
        return (
          found.length === PARTITIONS.task && found.every(({ status }) => status !== 'RUNNING')
        );
      });
      return summed(of(id));
    },
  };
}

/** Emits "<version>:<text>" under the key of each record; `refused` decides what is dead-lettered. */
export function worker(
  version: string,
  settings: {
    readonly refused?: (value: string) => boolean;
    readonly handled?: () => void;
    readonly timesPerRecord?: number;
    readonly outputs?: readonly Topic[];
    readonly handle?: (records: readonly Received[], out: Emitter) => void;
  } = {},
): TransactOptions<number> {
  function handleOne(record: Received, out: Emitter): void {
    const value = textOf(record.message);
    if (settings.refused?.(value) !== true) {
      out.emit({ topic: topics.output, key: record.key, message: text(`${version}:${value}`) });
      return;
    }
    out.reject({
      ...{ record, index: 0, elementId: elementId(value), tenantId: null, unit: null },
      ...{ code: 'TEST_REFUSED', kind: 'refused', message: 'for the test', violations: [] },
      ...{ eventTime: null, original: null, attempts: 1 },
    });
  }
  return {
    service: 'worker',
    inputs: [topics.input],
    outputs: settings.outputs ?? [topics.output],
    deadLetter: topics.deadLetter,
    store: {
      changelog: topics.state,
      toMessage: (value) => text(String(value)),
      fromMessage: (message) => Number(textOf(message)),
    },
    rework: {
      commands: topics.reworkCommand,
      state: topics.reworkState,
      ...(settings.timesPerRecord && { timesPerRecord: settings.timesPerRecord }),
    },
    createTask: ({ store }) => ({
      handle: (records, out) => {
        for (const { key } of records) store.put(key, (store.get(key) ?? 0) + 1);
        if (settings.handle) settings.handle(records, out);
        else for (const record of records) handleOne(record, out);
        settings.handled?.();
      },
      reread: (records, out, { unit }) => {
        for (const { key, message } of records) {
          out.emit({ topic: topics.output, key, message: text(`${unit}:${textOf(message)}`) });
        }
      },
    }),
  };
}

/** Element id of the dead letter of a text. */
export function elementId(value: string): string {
  return Buffer.from(value.padStart(16, '0')).toString('hex');
}

/** An event about the record with this text: its id is that of the element. */
export function alert(
  value: string,
  fields: Partial<ProviderAlertRaised> = {},
): Message<'ProviderAlertRaised', ProviderAlertRaised> {
  return {
    type: 'ProviderAlertRaised',
    value: {
      ...{ tenant_id: 'demo', unit: 'test:1', event_id: elementId(value) },
      ...{ event_time: 1, provider_time: 2, received_time: 3, revision: 4, retracted: false },
      ...{ cause: 'live', alert: 'geofence_enter', geofence_id: null },
      trace: { topic: topics.input.name, partition: 0, offset: 0, index: -1 },
      ...fields,
    },
  };
}

/** Publishes the texts 0 to count - 1 under keys k0 to k<keys - 1>. */
export async function publishTexts(
  system: { readonly connect: () => Promise<Streams> },
  count: number,
  keys: number,
  first = 0,
): Promise<void> {
  const streams = await system.connect();
  const publisher = await streams.publisher([topics.input]);
  const texts = Array.from({ length: count }, (_, i) => first + i);
  await publisher.send(
    texts.map((i) => ({ topic: topics.input, key: `k${i % keys}`, message: text(String(i)) })),
  );
  await streams.close();
}
