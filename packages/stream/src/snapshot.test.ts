import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { readSnapshot, writeSnapshot } from './snapshot.ts';

const folder = mkdtempSync(join(tmpdir(), 'waybill-snapshot-'));
const file = join(folder, 'detector-3.buffers');
const head = { layout: 2, epoch: 7, positions: { 'fleet.position.event.v1': '12345678901234567' } };

type Entries = readonly (readonly [string, Uint8Array])[];

/** Writes values that stand in two pieces each. */
function write(entries: Entries): Promise<void> {
  return writeSnapshot(
    file,
    head,
    entries.map(([key, value]) => [key, value.length, [value.subarray(0, 2), value.subarray(2)]]),
  );
}

async function problemOf(bytes: Buffer): Promise<string> {
  writeFileSync(file, bytes);
  const read = await readSnapshot(file);
  return read !== undefined && 'problem' in read ? read.problem : 'none';
}

describe('a snapshot', () => {
  after(() => rmSync(folder, { recursive: true }));

  it('gives back what was written', async () => {
    const entry = fc.tuple(fc.string({ minLength: 1 }), fc.uint8Array({ minLength: 1 }));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(entry, { selector: ([key]) => key, maxLength: 20 }),
        async (entries) => {
          await write(entries);
          const read = await readSnapshot(file);
          assert.ok(read !== undefined && 'buffers' in read);
          assert.deepEqual(read.head, head);
          const { buffers } = read;
          const found = [...buffers.keys()].map((key) => [key, [...buffers.get(key)]] as const);
          assert.deepEqual(
            new Map(found),
            new Map(entries.map(([key, value]) => [key, [...value]])),
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  it('reads values that are larger than what it reads at once', async () => {
    const large = Buffer.alloc(9 << 20, 'x');
    large[large.length - 1] = 1;
    const entries: Entries = [
      ['small', Buffer.from('s')],
      ['large', large],
      ['last', Buffer.from('l')],
    ];
    await write(entries);
    const read = await readSnapshot(file);
    assert.ok(read !== undefined && 'buffers' in read);
    assert.ok(Buffer.from(read.buffers.get('large')).equals(large));
    assert.equal(Buffer.from(read.buffers.get('last')).toString(), 'l');
  });

  it('is not there, or says what is wrong with it', async () => {
    assert.equal(await readSnapshot(join(folder, 'nobody-0.buffers')), undefined);
    assert.match(await problemOf(Buffer.alloc(0)), /ends too early/);
    assert.match(await problemOf(Buffer.from('something else entirely')), /no snapshot/);
    await write([['a', Buffer.from('b')]]);
    const other = readFileSync(file);
    other.writeUInt32BE(2, 4);
    assert.match(await problemOf(other), /format 2 instead of 1/);
  });

  it('finds damage at every byte: a flipped bit, or an end that is missing', async () => {
    await write([
      ['key', Buffer.from('value')],
      ['other', Buffer.from('bytes')],
    ]);
    const good = readFileSync(file);
    for (let at = 0; at < good.length; at += 1) {
      const flipped = Buffer.from(good);
      flipped[at] = (flipped[at] ?? 0) ^ 0x10;
      assert.notEqual(await problemOf(flipped), 'none', `a flipped bit in byte ${at}`);
      assert.notEqual(await problemOf(good.subarray(0, at)), 'none', `cut off at ${at}`);
    }
  });

  it('leaves the former one in place until the new one is whole, and removes what others left', async () => {
    await write([['a', Buffer.from('old')]]);
    const abandoned = `${file}.99999.tmp`;
    const recent = `${file}.99998.tmp`;
    writeFileSync(abandoned, 'half');
    writeFileSync(recent, 'half');
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(abandoned, longAgo, longAgo);
    const unwritable = { length: 3 } as unknown as Uint8Array;
    await assert.rejects(writeSnapshot(file, head, [['a', 3, [unwritable]]]));
    const read = await readSnapshot(file);
    assert.ok(read !== undefined && 'buffers' in read);
    assert.equal(Buffer.from(read.buffers.get('a')).toString(), 'old');
    assert.deepEqual(readdirSync(folder).toSorted(), [
      'detector-3.buffers',
      'detector-3.buffers.99998.tmp',
    ]);
  });
});
