import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { topics as catalogue, type Message, type Topic } from '@waybill/contracts';
import { isFault } from '@waybill/fault';
import { partitionFor, type Runner, type Streams, type Task } from '@waybill/stream';
import { createStreamDriver, type DrivenService, type StreamDriver } from './stream-driver.ts';

type Text = Message<'UnitStateSaved', { layout: number; payload: Buffer }>;

function topicOf(name: string, settings: Partial<Topic> = {}): Topic<Text> {
  return { ...catalogue.detectorUnit, compacted: false, ...settings, name } as Topic<Text>;
}

const input = topicOf('test.input.event.v1');
const output = topicOf('test.output.event.v1');
const state = topicOf('test.count.state.v1', { compacted: true });
const cursors = topicOf('test.cursor.state.v1', { compacted: true, partitioning: 'source' });
const deadLetter: Topic = { ...catalogue.detectorDeadLetter, name: 'test.dead-letter.v1' };
const topics = [input, output, state, cursors, deadLetter] as readonly Topic[];

function text(value: string): Text {
  return { type: 'UnitStateSaved', value: { layout: 1, payload: Buffer.from(value) } };
}

const textOf = (message: Message | null): string =>
  message === null ? '' : (message as Text).value.payload.toString();

const records = (...keys: readonly string[]): { readonly key: string; readonly message: Text }[] =>
  keys.map((key) => ({ key, message: text('x') }));

/** Counts records per key. */
function count(streams: Streams, handle?: Task['handle']): Promise<Runner> {
  return streams.transact<number>({
    service: 'counter',
    inputs: [input],
    outputs: [output],
    deadLetter,
    store: {
      changelog: state,
      toMessage: (value) => text(String(value)),
      fromMessage: (message) => Number(textOf(message)),
    },
    createTask: ({ store }) => ({
      handle:
        handle ??
        ((received, out) => {
          for (const { key } of received) {
            const counted = (store.get(key) ?? 0) + 1;
            store.put(key, counted);
            out.emit({ topic: output, key, message: text(String(counted)) });
          }
        }),
    }),
  });
}

async function outputs(driver: StreamDriver): Promise<readonly string[]> {
  return (await driver.read(output)).map(({ key, message }) => `${key}=${textOf(message)}`);
}

async function counting(): Promise<{
  readonly driver: StreamDriver;
  readonly service: DrivenService<Runner>;
}> {
  const driver = await createStreamDriver({ topics });
  return { driver, service: await driver.start((streams) => count(streams)) };
}

const PARTITION = partitionFor('a', 2);

describe('a stream driver', () => {
  it('pipes records in, reads what came out, and takes only what is new', async () => {
    const { driver } = await counting();
    await driver.pipe(input, records('a', 'a'));
    assert.deepEqual(await outputs(driver), ['a=1', 'a=2']);
    assert.equal((await driver.take(output)).length, 2);
    await driver.pipe(input, records('a'));
    assert.deepEqual(
      (await driver.take(output)).map(({ message }) => textOf(message)),
      ['3'],
    );
    assert.deepEqual(await driver.take(output), []);
  });

  it('loses the memory of a service that dies, and nothing of the log', async () => {
    const { driver, service } = await counting();
    await driver.pipe(input, records('a', 'b'));
    const before = service.current();
    await service.restart();
    assert.notEqual(service.current(), before);
    await driver.pipe(input, records('a', 'b'));
    assert.deepEqual((await outputs(driver)).toSorted(), ['a=1', 'a=2', 'b=1', 'b=2']);
    await service.stop();
    await driver.pipe(input, records('a'));
    assert.equal((await outputs(driver)).length, 4, 'nobody reads any more');
    await service.current().done;
  });

  for (const fault of ['fail', 'lose'] as const) {
    it(`does the work once when a commit is made to ${fault}`, async () => {
      const { driver } = await counting();
      await driver.pipe(input, records('a'));
      driver.log.crashes.nextCommit('counter', PARTITION, fault);
      await driver.pipe(input, records('a', 'a'));
      assert.deepEqual(await outputs(driver), ['a=1', 'a=2', 'a=3']);
    });
  }

  it('shows nothing of a transaction that its owner left open, until another one takes over', async () => {
    const driver = await createStreamDriver({ topics });
    const dying = await driver.start((streams) => count(streams));
    driver.log.crashes.nextCommit('counter', PARTITION, 'die');
    const connection = driver.log.connect();
    const publisher = await connection.publisher([input] as readonly Topic[]);
    await publisher.send(records('a').map((record) => ({ ...record, topic: input })));
    // The process dies in its commit: it is killed before it can try again.
    const step = driver.log.engine.add({
      name: 'the end of a process',
      step: async () => {
        step();
        void dying.kill();
        return true;
      },
    });
    await driver.settle();
    const ends = await driver.log.admin.ends([output] as readonly Topic[]);
    assert.equal(ends.get(`${output.name}/${PARTITION}`), 1n);
    await driver.pipe(output, [{ key: 'later', partition: PARTITION, message: text('x') }]);
    assert.deepEqual(await outputs(driver), [], 'readers wait behind it');
    await driver.start((streams) => count(streams));
    assert.deepEqual(await outputs(driver), ['later=x', 'a=1']);
  });

  it('builds a fenced task anew, and all tasks after a rebalance keep their state', async () => {
    const { driver } = await counting();
    await driver.pipe(input, records('a'));
    driver.log.crashes.fence('counter', PARTITION);
    await driver.pipe(input, records('a'));
    await driver.rebalance();
    await driver.pipe(input, records('a'));
    assert.deepEqual(await outputs(driver), ['a=1', 'a=2', 'a=3']);
  });

  it('shares partitions among instances and hands them over when one dies', async () => {
    const { driver, service: first } = await counting();
    const second = await driver.start((streams) => count(streams));
    assert.equal(first.current().positions().length, 1);
    assert.equal(second.current().positions().length, 1);
    await driver.pipe(input, records('a', 'b', 'c', 'd'));
    await first.kill();
    await driver.pipe(input, records('a', 'b', 'c', 'd'));
    assert.equal(second.current().positions().length, 2);
    const expected = ['a', 'b', 'c', 'd'].flatMap((key) => [`${key}=1`, `${key}=2`]);
    assert.deepEqual((await outputs(driver)).toSorted(), expected);
  });

  it('throws the Fault that ends a runner, where it moved it', async () => {
    const driver = await createStreamDriver({ topics });
    const service = await driver.start((streams) =>
      count(streams, () => {
        throw new TypeError('broken handler');
      }),
    );
    await assert.rejects(driver.pipe(input, records('a')), /broken handler/);
    await assert.rejects(service.current().done, (e) => isFault(e) && e.kind === 'bug');
    await driver.settle();
  });

  it('gives bytes for the call only, as the real one does', async () => {
    const driver = await createStreamDriver({ topics });
    const kept: Buffer[] = [];
    await driver.start((streams) =>
      count(streams, (received) => {
        for (const { bytes } of received) {
          assert.equal(bytes[0], 0, 'framed');
          kept.push(bytes);
        }
      }),
    );
    await driver.pipe(input, records('a'));
    assert.equal(kept[0]?.[0], 0xff);
  });

  it('says of an owner’s commit whose answer was lost what became of it', async () => {
    const driver = await createStreamDriver({ topics });
    const outcomes: string[] = [];
    await driver.start((streams) =>
      streams.extract<Text>({
        service: 'puller',
        cursors,
        outputs: [output],
        own: async (owner) => {
          if (owner.partition !== 0) return;
          driver.log.crashes.nextCommit('puller', 0, 'lose');
          const cursor = { topic: cursors, key: 'k', message: text('1'), partition: 0 };
          await owner.commit([cursor]).catch((error: unknown) => {
            outcomes.push(isFault(error) ? error.code : String(error));
          });
          outcomes.push(textOf(owner.cursors.get('k') ?? null));
          if (outcomes.length === 2) await new Promise(() => undefined);
        },
      }),
    );
    assert.deepEqual(outcomes, ['COMMIT_UNKNOWN', '1']);
  });

  it('fails a send by hand, and the next one goes through', async () => {
    const driver = await createStreamDriver({ topics });
    const publisher = await driver.log.connect().publisher([input] as readonly Topic[]);
    const send = (): Promise<void> =>
      publisher.send([{ topic: input, key: 'a', message: text('x') }]);
    driver.log.crashes.nextSend();
    await assert.rejects(send(), (e) => isFault(e) && e.code === 'PUBLISH_FAILED');
    await send();
    assert.equal((await driver.read(input)).length, 1);
  });

  it('moves the clock to each due moment in its order', async () => {
    const driver = await createStreamDriver({ topics, startMs: 1_000 });
    const seen: string[] = [];
    const stopping = new AbortController();
    for (const ms of [300, 100, 200]) {
      void driver.clock.wait(ms).then(() => seen.push(`${ms} at ${driver.clock.now()}`));
    }
    void driver.clock.wait(10_000, stopping.signal).then(() => seen.push('aborted'));
    await driver.advance(250);
    assert.deepEqual(seen, ['100 at 1100', '200 at 1200']);
    stopping.abort();
    await driver.advance(50);
    assert.deepEqual(seen.slice(2), ['aborted', '300 at 1300']);
    assert.equal(driver.clock.now(), 1_300);
  });

  it('gives the same log for the same scenario, byte by byte', async () => {
    async function scenario(): Promise<unknown> {
      const { driver, service } = await counting();
      const second = await driver.start((streams) => count(streams));
      await driver.pipe(input, records(...Array.from({ length: 200 }, (_, at) => `k${at % 17}`)));
      await service.restart();
      await driver.advance(5_000);
      driver.log.crashes.nextCommit('counter', 1, 'fail');
      await driver.pipe(input, records(...Array.from({ length: 200 }, (_, at) => `k${at % 13}`)));
      await second.kill();
      await driver.settle();
      return [await driver.read(output), await driver.read(state)];
    }
    assert.deepEqual(await scenario(), await scenario());
  });
});
