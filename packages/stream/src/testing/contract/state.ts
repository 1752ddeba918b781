import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isFault } from '@waybill/fault';
import type { StoreCodec, Streams, TransactOptions } from '../../port.ts';
import { bufferWorker, expectedOutputs } from '../buffers.ts';
import { atEnd, text, textOf, topics } from '../cluster.ts';
import { counter, ofKey, publish } from './counter.ts';
import { failureOf, withSystem, type Systems } from './system.ts';

const numbers: Omit<StoreCodec<number>, 'changelog'> = {
  toMessage: (value) => text(String(value)),
  fromMessage: (message) => Number(textOf(message)),
};
/** Values that are their own time and live ten seconds. */
const windows: StoreCodec<number> = {
  ...numbers,
  changelog: topics.windows,
  expiry: { ttlMs: 10_000, timeOf: (value) => value },
};

async function send(streams: Streams, texts: readonly string[]): Promise<void> {
  const publisher = await streams.publisher([topics.input]);
  await publisher.send(texts.map((t) => ({ topic: topics.input, key: 'a', message: text(t) })));
  await publisher.close();
}

/** Remembers its records under `<key><time>` in a second store; the text of a record is its time. */
function windowed(): TransactOptions<number, { readonly windows: number }> {
  return {
    ...{ service: 'windowed', inputs: [topics.input], outputs: [topics.output] },
    deadLetter: topics.deadLetter,
    store: { ...numbers, changelog: topics.state },
    stores: { windows },
    createTask: ({ store, stores, time }) => ({
      handle: (records, out) => {
        for (const { key, message } of records) {
          const now = Number(textOf(message));
          time.advance(now);
          stores.windows.put(`${key}${now}`, now);
          store.put(key, now);
          const open = [...stores.windows.entries()].map(([name]) => name).join(',');
          out.emit({ topic: topics.output, key, message: text(open) });
        }
      },
    }),
  };
}

export function stateContract(systems: () => Systems): void {
  describe('state', () => {
    it('is restored store by store, without what expired by the time that the task told', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await send(streams, ['1000', '5000']);
        const first = await streams.transact(windowed());
        await system.until('the first run is done', () => atEnd(system, first));
        await first.stop();
        await send(streams, ['11000', '30000']);
        const second = await (await system.connect()).transact(windowed());
        await system.until('the second run is done', () => atEnd(system, second));
        assert.deepEqual(await system.read(topics.output), [
          'a=a1000',
          'a=a1000,a5000',
          'a=a5000,a11000',
          'a=a30000',
        ]);
        const newest = new Map(
          (await system.read(topics.windows)).map((l) => l.split('=') as [string, string]),
        );
        const kept = [...newest].filter(([, value]) => value !== '');
        assert.deepEqual(kept, [['a30000', '30000']], 'the others have tombstones');
        assert.equal((await system.read(topics.state)).at(-1), 'a=30000');
      }));

    it('is restored from a changelog that was compacted', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const first = await streams.transact(counter());
        for (let round = 0; round < 3; round += 1) {
          await publish(streams, ['a', 'b', 'c']);
          await system.until('the round is counted', () => atEnd(system, first));
        }
        await first.stop();
        assert.ok((await system.read(topics.state)).includes('a=1'));
        await system.compact(topics.state);
        assert.deepEqual(ofKey(await system.read(topics.state), 'a'), ['a=3']);
        await publish(streams, ['a', 'b', 'd']);
        const second = await (await system.connect()).transact(counter());
        await system.until('the last round is counted', () => atEnd(system, second));
        const out = await system.read(topics.output);
        assert.deepEqual(
          ['a', 'b', 'c', 'd'].map((key) => ofKey(out, key).at(-1)),
          ['a=4', 'b=4', 'c=3', 'd=1'],
        );
      }));

    it('beyond the limit stops the task with a line that says what to raise', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect({ taskLimitBytes: 20 });
        await publish(streams, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']);
        const runner = await streams.transact(counter());
        const stopped = () => system.lines.find(({ message }) => message === 'task.stopped');
        await system.until('a task stopped', () => stopped() !== undefined);
        assert.equal(stopped()?.fields['code'], 'STATE_LIMIT');
        assert.match(String(stopped()?.fields['detail']), /STATE_TASK_LIMIT_BYTES/);
        await runner.stop();
      }));

    it('in buffers stays out of the changelog and is rebuilt from the input elsewhere', () =>
      withSystem(systems, async (system) => {
        const texts = Array.from({ length: 60 }, (_, at) => String(at).padStart(6, '0'));
        const one = await system.connect();
        await send(one, texts.slice(0, 25));
        const first = await one.transact(bufferWorker());
        await system.until('the first run is done', () => atEnd(system, first));
        await first.stop();
        await send(one, texts.slice(25));
        const second = await (await system.connect()).transact(bufferWorker());
        await system.until('the second run is done', () => atEnd(system, second));
        const found = (await system.read(topics.output)).map((line) => line.slice('a='.length));
        assert.deepEqual(found, expectedOutputs(texts));
      }));

    it('in buffers that is changed anywhere but in handle ends the runner', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const publisher = await streams.publisher([topics.table]);
        await publisher.send([{ topic: topics.table, key: 'zone', message: text('1') }]);
        const runner = await streams.transact({
          ...bufferWorker(),
          tables: [topics.table],
          createTask: ({ buffers }) => ({
            handle: () => undefined,
            rebuild: () => undefined,
            onTable: () => buffers.append('a', Buffer.from('x')),
          }),
        });
        const failure = await failureOf(system, runner);
        assert.ok(isFault(failure) && failure.code === 'BUFFER_MISUSED', String(failure));
      }));
  });
}
