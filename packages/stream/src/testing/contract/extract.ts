import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isFault } from '@waybill/fault';
import { partitionFor } from '../../partition.ts';
import type { Outgoing, Owner, Runner } from '../../port.ts';
import { PARTITIONS, text, textOf, topics } from '../cluster.ts';
import { withSystem, type System, type Systems } from './system.ts';

type Cursor = ReturnType<typeof text>;

interface Started {
  readonly runner: Runner;
  /** Every owner that was ever handed out. */
  readonly owners: readonly Owner<Cursor>[];
  readonly ended: () => number;
}

async function start(system: System): Promise<Started> {
  const owners: Owner<Cursor>[] = [];
  let ended = 0;
  const streams = await system.connect();
  const runner = await streams.extract<Cursor>({
    service: 'puller',
    cursors: topics.cursor,
    outputs: [topics.output],
    own: async (owner) => {
      owners.push(owner);
      if (!owner.revoked.aborted) {
        await new Promise((resolve) => owner.revoked.addEventListener('abort', resolve));
      }
      ended += 1;
    },
  });
  return { runner, owners, ended: () => ended };
}

const page = (account: string, at: number): readonly Outgoing[] => [
  { topic: topics.output, key: account, message: text(String(at)) },
  {
    topic: topics.cursor,
    key: `${account}/unit`,
    partitionKey: account,
    message: text(String(at)),
  },
];

const ownerOf = (owners: readonly Owner<Cursor>[], account: string): Owner<Cursor> => {
  const owner = owners.findLast((o) => o.owns(account) && !o.revoked.aborted);
  if (!owner) throw new Error(`nobody owns ${account}`);
  return owner;
};

export function extractContract(systems: () => Systems): void {
  describe('extract', () => {
    it('commits pages with their cursors and restores the cursors at the next start', () =>
      withSystem(systems, async (system) => {
        const first = await start(system);
        await system.until('both partitions are owned', () => first.runner.ready());
        const accounts = ['north', 'south', 'east', 'west'];
        for (const account of accounts) {
          await ownerOf(first.owners, account).commit(page(account, 1));
          await ownerOf(first.owners, account).commit(page(account, 2));
        }
        assert.equal(textOf(ownerOf(first.owners, 'north').cursors.get('north/unit')), '2');
        await first.runner.stop();
        assert.equal(first.ended(), 2);
        const second = await start(system);
        await system.until('both partitions are owned again', () => second.runner.ready());
        for (const account of accounts) {
          const owner = ownerOf(second.owners, account);
          assert.equal(textOf(owner.cursors.get(`${account}/unit`)), '2');
          assert.equal(owner.partition, partitionFor(account, PARTITIONS.source));
        }
        assert.equal((await system.read(topics.output)).length, 8);
      }));

    it('forgets a cursor that was deleted', () =>
      withSystem(systems, async (system) => {
        const first = await start(system);
        await system.until('owned', () => first.runner.ready());
        const owner = ownerOf(first.owners, 'north');
        await owner.commit(page('north', 1));
        const gone = { topic: topics.cursor, key: 'north/unit', partitionKey: 'north' };
        await owner.commit([{ ...gone, message: null }]);
        assert.equal(owner.cursors.size, 0);
        await first.runner.stop();
        const second = await start(system);
        await system.until('owned again', () => second.runner.ready());
        assert.equal(ownerOf(second.owners, 'north').cursors.size, 0);
      }));

    it('writes nothing of a commit that breaks a contract', () =>
      withSystem(systems, async (system) => {
        const { runner, owners } = await start(system);
        await system.until('owned', () => runner.ready());
        const [good] = page('north', 1);
        const bad = { ...good, message: { type: 'UnitStateSaved', value: {} } } as Outgoing;
        const owner = ownerOf(owners, 'north');
        const commit = owner.commit([...page('north', 1), bad]);
        await assert.rejects(commit, (e) => isFault(e) && e.code === 'CONTRACT_VIOLATED');
        assert.equal(owner.cursors.size, 0);
        await owner.commit(page('north', 2));
        assert.deepEqual(await system.read(topics.output), ['north=2']);
      }));

    it('hands partitions to a second instance and revokes the first owner', () =>
      withSystem(systems, async (system) => {
        const first = await start(system);
        await system.until('the first owns both', () => first.owners.length === 2);
        await system.until('the first is ready', () => first.runner.ready());
        await Promise.all(
          ['north', 'south', 'east'].map((a) => ownerOf(first.owners, a).commit(page(a, 1))),
        );
        const second = await start(system);
        await system.until(
          'the second owns one',
          () => second.runner.ready() && second.owners.length === 1,
        );
        const [moved] = second.owners;
        const revoked = first.owners.filter((o) => o.revoked.aborted);
        assert.equal(revoked.length, 1);
        assert.equal(revoked[0]?.partition, moved?.partition);
        await assert.rejects(
          revoked[0]?.commit(page('x', 2)) ?? Promise.resolve(),
          (e) => isFault(e) && e.code === 'FENCED' && e.kind === 'cancelled',
        );
      }));

    it('fails the commit of an owner that was fenced and takes the partition over again', () =>
      withSystem(systems, async (system) => {
        const { runner, owners } = await start(system);
        await system.until('owned', () => runner.ready());
        const owner = ownerOf(owners, 'north');
        await owner.commit(page('north', 1));
        await system.fence('puller', owner.partition);
        const commit = owner.commit(page('north', 2));
        await assert.rejects(commit, (e) => isFault(e) && e.code === 'FENCED');
        assert.ok(owner.revoked.aborted);
        await system.until('a new owner stands', () => owners.length === 3 && runner.ready());
        const heir = ownerOf(owners, 'north');
        assert.equal(textOf(heir.cursors.get('north/unit')), '1');
        await heir.commit(page('north', 3));
        assert.deepEqual(await system.read(topics.output), ['north=1', 'north=3']);
      }));
  });
}
