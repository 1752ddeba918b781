import type { PositionRecorded } from '@waybill/contracts';
import type { Emitter, Received } from '@waybill/stream';
import type { Fix } from './core/fix.ts';
import type { Arrival } from './core/occasion.ts';
import type { Held } from './held.ts';
import type { TenantState } from './tenant-state.ts';

/** What a turn brought for one unit. */
export interface Touched {
  readonly tenant: TenantState;
  readonly held: Held;
  readonly arrivals: Arrival[];
  /** T when the newest of them came, ms. */
  clock: number | undefined;
  /** The newest fix that came beyond grace, or moved a bucket. */
  late: { readonly fix: Fix; readonly receivedTime: number } | undefined;
  binding: { readonly changedTime: number } | undefined;
  /** A position that is newer than all before it. */
  newest: PositionRecorded | undefined;
  /** The newest record about the unit; undefined when T or a table brought it here. */
  record: Received | undefined;
}

/** A tenant's clock as it stood, and the newest progress record, in this turn. */
export interface ClockMove {
  readonly from: number;
  receivedTime: number;
  record: Received;
}

/**
 * One call of the task. Positions and progress first only change timelines and clocks; units are
 * settled at the end, in the order in which they were touched; before it where `comesAfter` says so.
 */
export interface Turn {
  /** Buffers may change: records are handled, not a table. */
  readonly isHandling: boolean;
  readonly out: Emitter;
  readonly touched: Map<Held, Touched>;
  readonly clocks: Map<string, ClockMove>;
  readonly touch: (tenant: TenantState, held: Held) => Touched;
}

/** Begins a turn. */
export function beginTurn(out: Emitter, isHandling: boolean): Turn {
  const touched = new Map<Held, Touched>();
  return {
    isHandling,
    out,
    touched,
    clocks: new Map(),
    touch: (tenant, held) => {
      let entry = touched.get(held);
      if (entry === undefined) {
        entry = {
          tenant,
          held,
          arrivals: [],
          clock: undefined,
          late: undefined,
          binding: undefined,
          newest: undefined,
          record: undefined,
        };
        touched.set(held, entry);
      }
      return entry;
    },
  };
}
