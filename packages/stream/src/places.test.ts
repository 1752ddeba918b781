import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPlaces, goesOn } from './places.ts';
import type { StreamMetrics } from './port.ts';
import { FetchedBatch } from './record-batch/fetched-batch.ts';
import { BatchWriter } from './record-batch/batch-writer.ts';
import { topics } from './testing/cluster.ts';

const WIRE = 'wire';
const lags: number[] = [];
const metrics = {
  lag: (_topic: string, _partition: number, lag: number) => lags.push(lag),
} as unknown as StreamMetrics;

/** A fetch of records from `from` to before `to`; aborted ones are not visible. */
function fetch(from: number, to: number, visible: 'visible' | 'aborted' = 'visible'): FetchedBatch {
  const writer = new BatchWriter(0);
  for (let offset = from; offset < to; offset += 1) writer.append('k', Buffer.from('v'));
  const owner = { producerId: 7n, producerEpoch: 0, baseSequence: 0, transactional: true };
  const messages = writer.seal(owner, 0);
  messages.writeBigInt64BE(BigInt(from), 0);
  return new FetchedBatch(WIRE, String(from), {
    partition: 0,
    highWatermark: '100',
    abortedTransactions:
      visible === 'visible' ? [] : [{ producerId: '7', firstOffset: String(from) }],
    messages,
  });
}

function onePlace(): ReturnType<typeof createPlaces> {
  const places = createPlaces(metrics);
  places.assign([{ wire: WIRE, topic: topics.input, partition: 0 }]);
  return places;
}

describe('what a batch goes on from', () => {
  it('is where it was asked for, and what fetches before it have skipped', () => {
    const places = onePlace();
    const skipped = [fetch(10, 12, 'aborted'), fetch(12, 15, 'aborted')];
    const batch = fetch(15, 16);
    for (const one of [...skipped, batch]) places.fetched([one]);
    assert.equal(batch.reaches, 10n);
    for (const expected of [10n, 12n, 15n]) assert.equal(goesOn(batch, expected), 'whole');
    assert.equal(goesOn(batch, 16n), 'no', 'asked from too early');
    assert.equal(goesOn(batch, 9n), 'no', 'asked from too late');
  });

  it('does not reach over records, whoever was to handle them', () => {
    const places = onePlace();
    const batch = fetch(12, 13);
    places.fetched([fetch(10, 12)]);
    places.fetched([batch]);
    assert.equal(goesOn(batch, 10n), 'no');
  });

  it('does not reach over a fetch that was asked elsewhere', () => {
    const places = onePlace();
    const batch = fetch(20, 21);
    places.fetched([fetch(10, 12, 'aborted')]);
    places.fetched([batch]);
    assert.equal(batch.reaches, 20n);
  });

  it('is the first record that retention left', () => {
    const batch = { fetchedOffset: '20', reaches: 20n, low: 20n };
    assert.equal(goesOn(batch, 10n), 'lost');
    assert.equal(goesOn({ ...batch, low: 15n }, 10n), 'no');
  });
});

describe('positions', () => {
  it('stay behind the fetches while what was taken is not committed', () => {
    const places = onePlace();
    places.fetched([fetch(10, 12)]);
    const place = places.find(WIRE, 0);
    assert.ok(place);
    place.held = true;
    places.fetched([fetch(12, 14)]);
    assert.equal(place.next, 10n);
    assert.equal(lags.at(-1), 90);
    assert.equal(places.holding(), true);
    places.move(place, 12n);
    places.fetched([fetch(14, 15)]);
    assert.equal(place.next, 14n);
    assert.equal(places.holding(), false);
  });
});
