// State of a fleet as if the detector had run for hours: made by the same core, put where the service keeps it.
import { topics, type PositionRecorded } from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import { connectStreams, type KeyedBuffers, type KeyedStore } from '@waybill/stream';
import { until } from '@waybill/testkit';
import { BUFFER_LAYOUT, bufferPages } from '../buffer-pages.ts';
import { memoryPages, type Pages, type UnitPages } from '../core/pages.ts';
import type { Rules } from '../core/rules.ts';
import { encodeHead } from '../core/unit-codec.ts';
import type { Unit } from '../core/unit.ts';
import { SERVICE, unitStore } from '../service.ts';
import { advanceClock, bind, noteGrace, type TenantState } from '../tenant-state.ts';
import type { SystemOptions } from './detector-system.ts';
import { fleetRounds, progressAfter, type FleetOptions } from './fleet.ts';
import { plainDetector } from './plain-detector.ts';

/** Vehicles that were driven, and what comes next from them. */
export interface DrivenFleet {
  readonly units: ReadonlyMap<string, { readonly unit: Unit; readonly pages: UnitPages }>;
  readonly rounds: Generator<readonly PositionRecorded[]>;
  /** Reports of the newest round. */
  readonly newest: readonly PositionRecorded[];
  /** T, s. */
  readonly clock: number;
}

const ROUNDS_PER_TURN = 8;

/** Drives a fleet through the pure part for so many rounds. */
export function driveFleet(options: FleetOptions, rules: Rules, rounds: number): DrivenFleet {
  const pages = new Map<string, UnitPages>();
  const detector = plainDetector(rules, (name) => {
    const made = memoryPages();
    pages.set(name, made);
    return made;
  });
  const reports = fleetRounds(options);
  let newest: readonly PositionRecorded[] = [];
  for (let round = 0; round < rounds; round += ROUNDS_PER_TURN) {
    const records: PositionRecorded[] = [];
    for (let i = 0; i < ROUNDS_PER_TURN; i += 1) {
      newest = reports.next().value as readonly PositionRecorded[];
      records.push(...newest);
    }
    detector.turn(records, progressAfter(round, options) * 1000);
  }
  const units = new Map(
    [...detector.units].map(([name, unit]) => [
      name,
      { unit, pages: pages.get(name) as UnitPages },
    ]),
  );
  return { units, rounds: reports, newest, clock: progressAfter(rounds - 1, options) };
}

/** Names under which one driven vehicle stands so many times, itself among them. */
export function copiesOf(report: PositionRecorded, count: number): PositionRecorded[] {
  return Array.from({ length: count }, (_, copy) => ({
    ...report,
    unit: copy === 0 ? report.unit : `${report.unit}-${copy}`,
  }));
}

/** As it stands when the unit is packed: with so many units nearly all are. */
function copy(from: Pages, to: Pages): void {
  to.set(from.read(0, from.length()).slice());
  to.rest();
}

function put(
  { unit, pages }: { readonly unit: Unit; readonly pages: UnitPages },
  key: string,
  store: KeyedStore<Uint8Array>,
  buffers: KeyedBuffers,
): void {
  store.put(key, encodeHead(unit));
  for (const index of unit.seen.indexes) {
    const block = unit.seen.block(index);
    if (block !== undefined) store.put(`${key}#s/${index}`, block.slice());
  }
  const to = bufferPages(buffers, key);
  copy(pages.sealed, to.sealed);
  copy(pages.open, to.open);
  copy(pages.checkpoints, to.checkpoints);
}

/**
 * Runs the detector's place in the log once, with a task that handles each report by putting the whole state of
 * its unit: changelog, snapshot and positions are then those of a detector that was stopped in order.
 */
export async function fillState(
  system: Pick<SystemOptions, 'brokers' | 'registryUrl' | 'namespace' | 'stateDir'>,
  fleet: DrivenFleet,
  rules: Rules,
  published: number,
): Promise<void> {
  const { stateDir, ...connection } = system;
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const streams = await connectStreams({
    ...connection,
    clientId: 'filler',
    logger: silent,
    state: { directory: stateDir },
  });
  const runner = await streams.transact<Uint8Array>({
    service: SERVICE,
    inputs: [topics.position, topics.positionBackfill],
    outputs: [],
    deadLetter: topics.detectorDeadLetter,
    store: unitStore,
    buffers: { layout: BUFFER_LAYOUT, retentionMs: 3_600_000 },
    createTask: ({ store, buffers }) => ({
      handle: (records) => {
        // Of a tenant only what these two ask for.
        const tenant = { tenantId: rules.tenantId, graces: undefined } as TenantState;
        for (const source of rules.pullSources) {
          advanceClock(store, rules.tenantId, source, fleet.clock * 1000);
        }
        bind(store, rules);
        noteGrace(store, tenant, rules.graceMs, 0);
        for (const { message } of records) {
          const report = message.value as PositionRecorded;
          const driven = fleet.units.get(report.unit.split('-')[0] ?? '');
          if (driven !== undefined) {
            put(driven, taskKey(report.tenant_id, report.unit), store, buffers);
          }
        }
      },
      rebuild: () => undefined,
    }),
  });
  await until(
    'all units are put',
    () => {
      const handled = runner.positions().filter(({ topic }) => topic === topics.position.name);
      return handled.reduce((sum, { next }) => sum + Number(next), 0) >= published;
    },
    { deadlineMs: 600_000 },
  );
  await runner.stop();
  await streams.close();
}
