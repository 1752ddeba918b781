import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Topic } from '@waybill/contracts';
import { partitionFor } from '../../partition.ts';
import type { Runner, TransactOptions } from '../../port.ts';
import { atEnd, PARTITIONS, textOf, topics } from '../cluster.ts';
import {
  alert,
  cancel,
  command,
  elementId,
  followReworks,
  publishTexts,
  send,
  worker,
  type Outcome,
} from '../reworks.ts';
import { withSystem, type System, type Systems } from './system.ts';

const RECORDS = 200;
const KEYS = 10;

type Settings = NonNullable<Parameters<typeof worker>[1]>;

async function runOnce(system: System, options: TransactOptions<number>): Promise<void> {
  const streams = await system.connect();
  const runner = await streams.transact(options);
  await system.until('everything is read', () => atEnd(system, runner));
  await streams.close();
}

async function outputs(system: System, version: string): Promise<readonly string[]> {
  const found = await system.read(topics.output);
  return found
    .map((line) => line.slice(line.indexOf('=') + 1))
    .filter((value) => value.startsWith(`${version}:`));
}

export function reworkContract(systems: () => Systems): void {
  /** A system whose input went through version 1, and the running version 2. */
  async function withReworked(
    settings: Settings & { readonly refusedBefore?: (value: string) => boolean },
    work: (given: {
      readonly system: System;
      readonly runner: Runner;
      readonly rework: (id: number, chosen: Parameters<typeof command>[1]) => Promise<Outcome>;
      readonly streams: Awaited<ReturnType<System['connect']>>;
      readonly reworks: Awaited<ReturnType<typeof followReworks>>;
    }) => Promise<void>,
  ): Promise<void> {
    await withSystem(systems, async (system) => {
      const streams = await system.connect();
      await publishTexts(system, RECORDS, KEYS);
      const { refusedBefore } = settings;
      await runOnce(
        system,
        worker('v1', { ...settings, ...(refusedBefore && { refused: refusedBefore }) }),
      );
      const runner = await streams.transact(worker('v2', settings));
      const reworks = await followReworks(streams, system.until);
      const rework = async (
        id: number,
        chosen: Parameters<typeof command>[1],
      ): Promise<Outcome> => {
        const value = command(id, chosen);
        await send(streams, value);
        return reworks.ended(value.rework_id);
      };
      await work({ system, runner, rework, streams, reworks });
    });
  }

  describe('rework', () => {
    it('sends dead letters, addresses, keys, offsets and times through the current code, once each', () =>
      withReworked(
        { refusedBefore: (value) => value === '13' || value === '14' },
        async (given) => {
          const { system, rework } = given;
          assert.equal((await system.letters()).length, 2);
          const letters = await rework(1, {
            dead_letter_ids: [elementId('13'), elementId('nobody')],
          });
          assert.deepEqual(
            [letters.statuses, letters.done, letters.outcomes],
            [['DONE'], 1, { [topics.output.name]: 1 }],
          );
          assert.deepEqual(await outputs(system, 'v2'), ['v2:13']);

          const partition = partitionFor('k3', PARTITIONS.task);
          const address = { topic: topics.input.name, partition, index: -1 };
          const single = await rework(2, {
            addresses: [
              { ...address, offset: 0 },
              { ...address, offset: 1 },
              { ...address, offset: 100_000 },
              { ...address, topic: 'another.service.event.v1', offset: 0 },
            ],
          });
          assert.deepEqual([single.done, single.missing], [2, 1]);

          const keyed = await rework(3, { key: 'k3' });
          assert.deepEqual([keyed.statuses, keyed.done], [['DONE'], RECORDS / KEYS]);

          const ranged = await rework(4, { partition, from_offset: 2, to_offset: 7 });
          assert.equal(ranged.done, 5);

          const all = await rework(5, { from_time: 1, to_time: system.now() + 60_000 });
          assert.equal(all.done, RECORDS);
          const none = await rework(6, { from_time: system.now() + 60_000 });
          assert.deepEqual([none.statuses, none.done], [['DONE'], 0]);

          const emitted = await outputs(system, 'v2');
          assert.equal(emitted.length, 1 + 2 + RECORDS / KEYS + 5 + RECORDS);
          assert.equal(new Set(emitted).size, RECORDS);
          assert.equal((await system.letters()).length, 2, 'nothing was refused again');

          // k3 was worked on three times by now: re-reading it three times more counts for nothing.
          const range = {
            request_id: elementId('1'),
            tenant_id: 'tenant',
            from_time: 0,
            to_time: 1,
          };
          for (const id of [7, 8, 9]) {
            const read = await rework(id, { key: 'k3', reread: { ...range, unit: `test:u${id}` } });
            assert.deepEqual([read.done, read.refused], [RECORDS / KEYS, 0]);
            assert.equal((await outputs(system, `test:u${id}`)).length, RECORDS / KEYS);
          }
          const again = await rework(10, { key: 'k3' });
          assert.deepEqual([again.done, again.refused], [RECORDS / KEYS, 0]);
        },
      ));

    it('previews: says what would come out and writes nothing else', () =>
      withReworked(
        { refused: (value) => Number(value) < 5 },
        async ({ system, rework, runner }) => {
          const state = await system.read(topics.state);
          const letters = (await system.letters()).length;
          const shown = await rework(1, { preview: true });
          assert.deepEqual([shown.statuses, shown.done, shown.refused], [['DONE'], RECORDS, 0]);
          assert.deepEqual(shown.outcomes, { [topics.output.name]: RECORDS - 5, TEST_REFUSED: 5 });
          assert.deepEqual(
            new Set(shown.findings.map((found) => [found.outcome, found.comparison, found.id])),
            new Set(
              ['0', '1', '2', '3', '4'].map((t) => ['TEST_REFUSED', 'REJECTED', elementId(t)]),
            ),
          );
          assert.deepEqual(shown.compared, [0, 0, 0, RECORDS - 5], 'these elements have no id');
          assert.deepEqual(await outputs(system, 'v2'), []);
          assert.equal((await system.letters()).length, letters);
          assert.deepEqual((await system.read(topics.state)).toSorted(), state.toSorted());
          // The running task did not see it either: its own count goes on where it stood.
          await publishTexts(system, 1, KEYS);
          await system.until('the new record is read', () => atEnd(system, runner));
          const counts = await system.read(topics.state);
          assert.ok(counts.includes(`k0=${RECORDS / KEYS + 1}`), counts.join(' '));
        },
      ));

    it('previews field by field what would change against what was published', () => {
      const event = topics.alert as unknown as Topic;
      const asset = topics.asset as unknown as Topic;
      let isNew = false;
      // Version 2 knows the geofence of one record, and makes an event of one that had none.
      const handle: Settings['handle'] = (records, out) => {
        for (const { key, message } of records) {
          const value = textOf(message);
          if (value === '7' && !isNew) continue;
          const geofence = isNew && value === '3' ? 'test:site' : null;
          const revision = isNew && value === '4' ? 5 : 4;
          const made = alert(value, { geofence_id: geofence, revision });
          out.emit({ topic: event, key, message: made });
          if (value !== '8') continue;
          const { tenant_id, unit, event_time } = made.value;
          const described = { tenant_id, unit, event_time, revision, intervals: [] };
          const saved = { ...described, event_time: isNew ? 9 : event_time };
          out.emit({ topic: asset, key, message: { type: 'AssetDescribed', value: saved } });
        }
      };
      return withReworked({ handle, outputs: [event, asset] }, async ({ system, rework }) => {
        // Version 2 runs already, but was given nothing yet.
        isNew = true;
        const before = await system.admin.ends([event, asset]);
        const shown = await rework(1, { preview: true });
        assert.deepEqual(shown.compared, [1, 3, RECORDS - 3, 0]);
        const found = shown.findings.map(({ outcome, comparison, id, changes }) => {
          return [outcome, comparison, id, changes.map((change) => ({ ...change }))] as const;
        });
        const change = (field: string, was: string, is: string) => [
          { field, before: was, after: is },
        ];
        assert.deepEqual(
          new Set(found),
          new Set([
            [event.name, 'NEW', elementId('7'), []],
            [event.name, 'CHANGED', elementId('3'), change('geofence_id', 'null', '"test:site"')],
            [event.name, 'CHANGED', elementId('4'), change('revision', '4', '5')],
            [asset.name, 'CHANGED', 'k8', change('event_time', '1', '9')],
          ]),
        );
        assert.deepEqual(await system.admin.ends([event, asset]), before, 'nothing was written');
        await rework(2, {});
        const again = await rework(3, { preview: true });
        assert.deepEqual([again.compared, again.findings], [[0, 0, RECORDS + 1, 0], []]);
      });
    });

    it('refuses a record that was reworked too often, with the reason', () =>
      withReworked({ timesPerRecord: 2 }, async ({ system, rework }) => {
        await rework(1, { key: 'k3' });
        await rework(2, {});
        const third = await rework(3, { key: 'k3' });
        assert.deepEqual(
          [third.statuses, third.done, third.refused],
          [['DONE'], 0, RECORDS / KEYS],
        );
        assert.match(third.reasons[0] ?? '', /reworked 2 times already/);
        const other = await rework(4, { key: 'k4' });
        assert.equal(other.done, RECORDS / KEYS);
        assert.equal((await outputs(system, 'v2')).length, RECORDS + (2 * RECORDS) / KEYS);
      }));

    it('counts what retention deleted as missing, and takes what is left of a range', () =>
      withReworked({}, async ({ system, rework }) => {
        const partition = partitionFor('k3', PARTITIONS.task);
        const { name } = topics.input;
        const end = Number((await system.admin.ends([topics.input])).get(`${name}/${partition}`));
        await system.deleteBefore(topics.input, partition, 4n);
        const address = { topic: name, partition, index: -1 };
        const single = await rework(1, {
          addresses: [2, 3, 4].map((offset) => ({ ...address, offset })),
        });
        assert.deepEqual([single.statuses, single.done, single.missing], [['DONE'], 1, 2]);
        const ranged = await rework(2, { partition, topic: name, from_offset: 0 });
        assert.deepEqual([ranged.statuses, ranged.done], [['DONE'], end - 4]);
      }));

    it('keeps to its rate and ends where it stands when it is cancelled', () =>
      withReworked({}, async ({ system, streams, reworks }) => {
        const slow = command(1, { rate_records_per_s: 5 });
        const startedAt = system.now();
        await send(streams, slow);
        await system.until(
          'something is reworked',
          () => reworks.outcome(slow.rework_id).done >= 20,
        );
        const seconds = (system.now() - startedAt) / 1_000;
        const { done } = reworks.outcome(slow.rework_id);
        assert.ok(done <= PARTITIONS.task * 5 * (seconds + 1), `${done} in ${seconds} s`);
        await cancel(streams, slow.rework_id);
        const ended = await reworks.ended(slow.rework_id);
        // A task without records was done at once.
        assert.ok(ended.statuses.includes('CANCELLED'));
        assert.match(ended.reasons[0] ?? '', /cancelled by test/);
        assert.ok(ended.done < RECORDS);
        assert.equal((await outputs(system, 'v2')).length, ended.done);
      }));

    it('fails the command, not the service, when a reworked record makes the code throw', () => {
      let isReworking = false;
      const handle: Settings['handle'] = (records) => {
        if (isReworking && records.some(({ message }) => textOf(message) === '42')) {
          throw new TypeError('undefined is not a function');
        }
      };
      return withReworked({ handle }, async ({ system, rework, runner }) => {
        isReworking = true;
        const failed = await rework(1, {});
        assert.deepEqual(new Set(failed.statuses), new Set(['DONE', 'FAILED']));
        assert.match(failed.reasons[0] ?? '', /undefined is not a function/);
        isReworking = false;
        await publishTexts(system, 10, KEYS);
        await system.until('the service goes on', () => atEnd(system, runner));
      });
    });

    it('leaves state records out that are older than what stands in the topic', () => {
      const asset = topics.asset as unknown as Topic;
      // Every record describes the one asset of its key; the text is the revision.
      const handle: Settings['handle'] = (records, out) => {
        for (const { key, message } of records) {
          const revision = Number(textOf(message)) + 1;
          const value = {
            tenant_id: 'demo',
            unit: `test:${key}`,
            event_time: 1,
            revision,
            intervals: [],
          };
          out.emit({ topic: asset, key, message: { type: 'AssetDescribed', value } });
        }
      };
      return withReworked(
        { handle, outputs: [topics.output, asset] },
        async ({ streams, rework }) => {
          const all = await rework(1, {});
          assert.equal(all.done, RECORDS);
          assert.equal(
            all.superseded,
            RECORDS - KEYS,
            'only the newest of each key goes out again',
          );
          assert.deepEqual(all.outcomes, { [asset.name]: KEYS });
          const { tables } = await streams.follow([asset]);
          const revisions = [...tables.entries(asset)].map(
            ([key, { value }]) => [key, (value as { revision: number }).revision] as const,
          );
          assert.deepEqual(
            new Map(revisions),
            new Map(Array.from({ length: KEYS }, (_, i) => [`k${i}`, RECORDS - KEYS + i + 1])),
          );
        },
      );
    });
  });
}
