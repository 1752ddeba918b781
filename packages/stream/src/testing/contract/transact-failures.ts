import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault, isFault } from '@waybill/fault';
import { partitionFor } from '../../partition.ts';
import type { Task, TransactOptions } from '../../port.ts';
import { atEnd, text, topics } from '../cluster.ts';
import { counter, echo, publish } from './counter.ts';
import { failureOf, withSystem, type System, type Systems } from './system.ts';

/** What ends a runner whose handler does this with one record. */
async function endOf(
  system: System,
  handle: Task['handle'],
  extra: Partial<TransactOptions<number>> = {},
): Promise<Fault> {
  const streams = await system.connect();
  await publish(streams, ['a']);
  const runner = await streams.transact(counter({ createTask: () => ({ handle }), ...extra }));
  const failure = await failureOf(system, runner);
  assert.ok(isFault(failure), String(failure));
  assert.equal(runner.ready(), false);
  assert.deepEqual(await system.read(topics.output), [], 'nothing of the chunk is visible');
  return failure;
}

/** *transact* when something fails. */
export function transactFailureContract(systems: () => Systems): void {
  describe('transact, when the author fails,', () => {
    it('ends with the Fault of a TypeError and shows nothing of the chunk', () =>
      withSystem(systems, async (system) => {
        const failure = await endOf(system, (records, out) => {
          echo(records, out);
          (records as unknown as { missing: { call: () => void } }).missing.call();
        });
        assert.equal(failure.kind, 'bug');
        const failed = system.lines.filter(({ message }) => message === 'stream.failed');
        assert.equal(failed.length, 1);
        assert.match(String(failed[0]?.fields['detail']), /missing|undefined/);
      }));

    it('ends when a record breaks its contract, and names the path', () =>
      withSystem(systems, async (system) => {
        const failure = await endOf(system, (_records, out) => {
          const message = { type: 'UnitStateSaved', value: { layout: 'x' } } as never;
          out.emit({ topic: topics.output, key: 'a', message });
        });
        assert.equal(failure.code, 'CONTRACT_VIOLATED');
        assert.match(failure.message, /layout/);
      }));

    it('ends when it writes to a topic that was not declared', () =>
      withSystem(systems, async (system) => {
        const failure = await endOf(system, (_records, out) => {
          out.emit({ topic: topics.other, key: 'a', message: text('x') });
        });
        assert.equal(failure.code, 'UNDECLARED_OUTPUT');
        assert.match(failure.message, /test\.other\.event\.v1/);
      }));

    it('ends when it writes a tombstone into an event topic', () =>
      withSystem(systems, async (system) => {
        const failure = await endOf(system, (_records, out) => {
          out.emit({ topic: topics.output, key: 'a', message: null });
        });
        assert.equal(failure.code, 'UNDECLARED_OUTPUT');
      }));

    it('ends when a record is larger than its topic allows', () =>
      withSystem(systems, async (system) => {
        const failure = await endOf(system, (_records, out) => {
          out.emit({ topic: topics.output, key: 'a', message: text('x'.repeat(1_100_000)) });
        });
        assert.equal(failure.code, 'RECORD_TOO_LARGE');
        assert.equal(failure.kind, 'bug');
      }));

    it('ends when state is put although no store was declared', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await publish(streams, ['a']);
        const { store: _none, ...stateless } = counter();
        const runner = await streams.transact(stateless);
        const failure = await failureOf(system, runner);
        assert.ok(isFault(failure) && failure.code === 'UNDECLARED_OUTPUT', String(failure));
      }));

    it('stops a misconfigured task with one line, and it goes on when a table changes', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await publish(streams, ['a', 'b', 'c', 'd', 'e']);
        const partition = partitionFor('a', 4);
        const runner = await streams.transact(
          counter({
            tables: [topics.table],
            createTask: (context) => ({
              handle: (records, out) => {
                if (context.partition === partition && !context.tables.get(topics.table, 'ok')) {
                  throw new Fault('no setting ok', {
                    kind: 'misconfigured',
                    code: 'SETTING_MISSING',
                    stage: 'decide',
                  });
                }
                echo(records, out);
              },
            }),
          }),
        );
        const stopped = (): number =>
          system.lines.filter(({ message }) => message === 'task.stopped').length;
        await system.until('the task stopped', () => stopped() === 1);
        const publisher = await streams.publisher([topics.table]);
        await publisher.send([{ topic: topics.table, key: 'ok', message: text('yes') }]);
        await system.until('everything is read', () => atEnd(system, runner));
        assert.equal(stopped(), 1);
        const keys = (await system.read(topics.output)).map((line) => line.split('=')[0]);
        assert.deepEqual(new Set(keys), new Set(['a', 'b', 'c', 'd', 'e']));
        assert.equal(keys.length, 5);
      }));
  });

  describe('transact, when it loses its partition,', () => {
    it('does the work of a fenced task again, once, with the state of the log', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await publish(streams, ['a']);
        const partition = partitionFor('a', 4);
        const lives: number[] = [];
        const { createTask } = counter();
        const runner = await streams.transact(
          counter({
            createTask: (context) => {
              lives.push(context.partition);
              return createTask(context);
            },
          }),
        );
        await system.until('the first record is counted', () => atEnd(system, runner));
        await system.fence('counter', partition);
        await publish(streams, ['a', 'a']);
        await system.until('all are counted', () => atEnd(system, runner));
        assert.deepEqual(await system.read(topics.output), ['a=1', 'a=2', 'a=3']);
        assert.ok(lives.filter((p) => p === partition).length >= 2, 'the task was built anew');
      }));

    it('refuses inputs with different partition counts', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await assert.rejects(
          streams.transact(counter({ inputs: [topics.input, topics.cursor] })),
          (error) => isFault(error) && error.code === 'PARTITION_COUNT_MISMATCH',
        );
      }));

    it('refuses topics that nobody provisioned', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const nowhere = { ...topics.input, name: 'test.nowhere.event.v1' };
        await assert.rejects(
          streams.transact(counter({ inputs: [nowhere] })),
          (error) =>
            isFault(error) &&
            error.kind === 'misconfigured' &&
            /test\.nowhere\.event\.v1/.test(error.message),
        );
      }));
  });

  describe('a committed state', () => {
    it('is visible within the chunk and to the next one', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await publish(streams, ['a', 'a']);
        const runner = await streams.transact(
          counter({
            createTask: ({ store }) => ({
              handle: (records, out) => {
                for (const { key } of records) {
                  store.put(key, (store.get(key) ?? 0) + 1);
                  const entries = [...store.entries()].map(([k, v]) => `${k}${v}`).join();
                  out.emit({ topic: topics.output, key, message: text(entries) });
                }
              },
            }),
          }),
        );
        await system.until('the first chunk is read', () => atEnd(system, runner));
        await publish(streams, ['a']);
        await system.until('the second chunk is read', () => atEnd(system, runner));
        assert.deepEqual(await system.read(topics.output), ['a=a1', 'a=a2', 'a=a3']);
        assert.equal((await system.read(topics.state)).at(-1), 'a=3');
      }));
  });
}
