import { join } from 'node:path';
import type { Topic } from '@waybill/contracts';
import { createBuffers, type StagedBuffers } from './buffers.ts';
import type { Environment } from './environment.ts';
import type { TransactOptions } from './port.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';

/**
 * Buffers and the state of the log that they stand for. Invariant between transactions: `buffers` is the
 * effect of all input records before `positions`, and of `epoch` reworked records.
 *
 * `epoch` counts the records that the task reworked in its life (from the changelog of the rework): their
 * effect is not found between two input positions, so a base of another epoch is of no use.
 */
export interface BufferBase {
  readonly buffers: StagedBuffers;
  readonly positions: Map<string, bigint>;
  readonly source: 'memory' | 'snapshot' | 'input';
  epoch: number;
}

/** What a base must fit to. */
export interface BaseWanted {
  readonly group: string;
  readonly partition: number;
  readonly epoch: number;
  /** Where the inputs go on, by topic name, and the first record that is still there. */
  readonly next: ReadonlyMap<string, bigint>;
  readonly low: ReadonlyMap<string, bigint>;
}

function fileOf({ ledger }: Environment, { group, partition }: BaseWanted): string {
  return join(ledger.directory, `${group}-${partition}.buffers`);
}

/** Why a base cannot be brought to the wanted positions; undefined = it can. */
function misfit(
  base: Pick<BufferBase, 'positions' | 'epoch'>,
  inputs: readonly Topic[],
  { epoch, next, low }: BaseWanted,
): string | undefined {
  if (base.epoch !== epoch) return `it knows ${base.epoch} of ${epoch} reworked records`;
  for (const { name } of inputs) {
    const at = base.positions.get(name);
    if (at === undefined) return `it does not know ${name}`;
    if (at > (next.get(name) ?? 0n)) return `it is ahead of the committed position of ${name}`;
    if (at < (low.get(name) ?? 0n)) return `retention deleted records of ${name} that it lacks`;
  }
  return undefined;
}

async function fromSnapshot<V>(
  environment: Environment,
  { inputs, buffers: declared }: TransactOptions<V>,
  wanted: BaseWanted,
): Promise<BufferBase | undefined> {
  const file = fileOf(environment, wanted);
  const read = await readSnapshot(file);
  if (read === undefined) return undefined;
  let problem: string | undefined;
  if ('problem' in read) ({ problem } = read);
  else {
    const { head, buffers } = read;
    const positions = new Map(
      Object.entries(head.positions).map(([topic, next]) => [topic, BigInt(next)]),
    );
    const { epoch, layout } = head;
    problem =
      layout === declared?.layout
        ? misfit({ positions, epoch }, inputs, wanted)
        : `its layout is ${layout} instead of ${declared?.layout}`;
    if (problem === undefined) return { buffers, positions, source: 'snapshot', epoch };
  }
  environment.logger.warn({ file, reason: problem }, 'buffers.snapshot_discarded');
  return undefined;
}

/**
 * The best base that there is: what this process kept, else the snapshot, else nothing (positions are
 * empty then: a cold rebuild).
 */
export async function findBase<V>(
  environment: Environment,
  options: TransactOptions<V>,
  wanted: BaseWanted,
  kept: BufferBase | undefined,
): Promise<BufferBase> {
  const { epoch } = wanted;
  if (options.buffers !== undefined) {
    if (kept && misfit(kept, options.inputs, wanted) === undefined) {
      return { ...kept, source: 'memory' };
    }
    const found = await fromSnapshot(environment, options, wanted);
    if (found !== undefined) return found;
  }
  return { buffers: createBuffers(), positions: new Map(), source: 'input', epoch };
}

/** Writes snapshots of one task, one at a time. */
export interface SnapshotKeeper {
  /** Starts a snapshot when the interval is over and it is this task's turn; never waits. */
  readonly maybe: (base: BufferBase) => void;
  /** Writes what changed since the last snapshot. Never throws: a failure is a warning. */
  readonly last: (base: BufferBase) => Promise<void>;
}

export function createSnapshotKeeper<V>(
  environment: Pick<Environment, 'ledger' | 'logger'>,
  { buffers: declared }: Pick<TransactOptions<V>, 'buffers'>,
  owner: Pick<BaseWanted, 'group' | 'partition'>,
): SnapshotKeeper {
  const { ledger, logger } = environment;
  const file = join(ledger.directory, `${owner.group}-${owner.partition}.buffers`);
  let running: Promise<void> | undefined;
  let startedAt: number | undefined;
  let written = '';

  const stateOf = ({ positions, epoch }: BufferBase): string => {
    return `${epoch} ${[...positions].join(' ')}`;
  };

  async function write(base: BufferBase): Promise<void> {
    if (declared === undefined) return;
    const state = stateOf(base);
    if (state === written) return;
    const begun = Date.now();
    startedAt = begun;
    // The task goes on while this is written: nobody writes into what is frozen.
    const { buffers, positions, epoch } = base;
    const frozen = buffers.freeze();
    const head = {
      layout: declared.layout,
      epoch,
      positions: Object.fromEntries([...positions].map(([topic, next]) => [topic, String(next)])),
    };
    const bytes = buffers.size();
    try {
      await writeSnapshot(file, head, frozen.entries());
      written = state;
      const duration = Date.now() - begun;
      logger.info({ file, bytes, duration_ms: duration }, 'buffers.snapshot_written');
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      logger.warn({ file, detail }, 'buffers.snapshot_failed');
    } finally {
      frozen.release();
    }
  }

  function start(base: BufferBase): Promise<void> {
    const work = write(base).finally(() => {
      running = undefined;
    });
    running = work;
    return work;
  }

  return {
    maybe: (base) => {
      // What took a cold rebuild is worth a snapshot at once.
      startedAt ??= base.source === 'input' ? 0 : Date.now();
      if (running !== undefined || Date.now() - startedAt < ledger.snapshotIntervalMs) return;
      const { snapshotTurn } = ledger;
      if (snapshotTurn.taken) return;
      snapshotTurn.taken = true;
      void start(base).finally(() => {
        snapshotTurn.taken = false;
      });
    },
    last: async (base) => {
      await running;
      await start(base);
    },
  };
}
