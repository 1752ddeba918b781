import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isFault } from '@waybill/fault';
import type { Outgoing } from '../../port.ts';
import { MAX_WAITING_RECORDS } from '../../publisher.ts';
import { text, topics } from '../cluster.ts';
import { withSystem, type Systems } from './system.ts';

const record = (key: string, value: string): Outgoing => ({
  topic: topics.output,
  key,
  message: text(value),
});

const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `k=${at}`);

export function publishContract(systems: () => Systems): void {
  describe('publish', () => {
    it('keeps the order of the calls, also when many are made at once', () =>
      withSystem(systems, async (system) => {
        const publisher = await (await system.connect()).publisher([topics.output]);
        const sends = numbered(3_000).map((_, at) => publisher.send([record('k', String(at))]));
        await Promise.all(sends);
        await publisher.close();
        assert.deepEqual(await system.read(topics.output), numbered(3_000));
      }));

    it('shows what it confirmed to every reader', () =>
      withSystem(systems, async (system) => {
        const publisher = await (await system.connect()).publisher([topics.output]);
        await publisher.send([record('k', '0')]);
        assert.deepEqual(await system.read(topics.output), numbered(1));
        await publisher.send([]);
        assert.deepEqual(await system.read(topics.output), numbered(1));
      }));

    it('refuses more than the limit and sends what it accepted before it closes', () =>
      withSystem(systems, async (system) => {
        const publisher = await (await system.connect()).publisher([topics.output]);
        const many = Array.from({ length: MAX_WAITING_RECORDS }, (_, i) => record(`k${i}`, 'x'));
        const sent = publisher.send(many);
        await assert.rejects(
          publisher.send([record('k', 'one too many')]),
          (e) => isFault(e) && e.code === 'BACKPRESSURE' && e.kind === 'transient',
        );
        await publisher.close();
        await sent;
        await assert.rejects(
          publisher.send([record('k', 'x')]),
          (e) => isFault(e) && e.code === 'CLOSED',
        );
        assert.equal((await system.read(topics.output)).length, MAX_WAITING_RECORDS);
      }));

    it('sends more bytes than the broker takes in one batch', () =>
      withSystem(systems, async (system) => {
        const publisher = await (await system.connect()).publisher([topics.output]);
        const big = 'x'.repeat(400_000);
        await publisher.send(Array.from({ length: 8 }, (_, at) => record('k', `${at}${big}`)));
        const found = await system.read(topics.output);
        assert.deepEqual(
          found.map((line) => line.slice(0, 3)),
          numbered(8),
        );
      }));

    it('fails only the call whose record breaks its contract', () =>
      withSystem(systems, async (system) => {
        const publisher = await (await system.connect()).publisher([topics.output]);
        const bad = { ...record('k', 'x'), message: { type: 'UnitStateSaved', value: {} } };
        const results = await Promise.allSettled([
          publisher.send([record('k', '0')]),
          publisher.send([bad]),
          publisher.send([record('k', '1')]),
        ]);
        assert.deepEqual(
          results.map(({ status }) => status),
          ['fulfilled', 'rejected', 'fulfilled'],
        );
        assert.deepEqual(await system.read(topics.output), numbered(2));
      }));

    it('refuses topics that it was not opened for, and tombstones in event topics', () =>
      withSystem(systems, async (system) => {
        const publisher = await (await system.connect()).publisher([topics.output]);
        const undeclared = (e: unknown): boolean => isFault(e) && e.code === 'UNDECLARED_OUTPUT';
        const elsewhere = publisher.send([{ ...record('k', 'x'), topic: topics.input }]);
        await assert.rejects(elsewhere, undeclared);
        const tombstone = publisher.send([{ ...record('k', 'x'), message: null }]);
        await assert.rejects(tombstone, undeclared);
      }));
  });
}
