import type { BackfillMark, BackfillMoved, ReworkRequested } from '@waybill/contracts';
import type { Outgoing } from '@waybill/stream';
import { ALL_UNITS, scopeOf, type BackfillOrder, type BackfillOrders } from './backfill-orders.ts';
import { backfillKey, backfillRecord, markRecord, reworkRecord } from './backfill-records.ts';
import { isOwnUnit, unitName } from './core/account.ts';
import type { Window } from './core/plan.ts';
import type { Session } from './ask.ts';
import { publishPages, type AccountContext } from './context.ts';
import { countWindows } from './count-windows.ts';
import { readWindows } from './read-windows.ts';
import type { Job } from './readers.ts';

/** Windows of at most a day: one load never holds more of the provider's memory. */
const DAY_S = 86_400;

const STATUS = { ENDED: 'DONE', CANCELLED: 'CANCELLED', FAILED: 'FAILED' } as const;

/** The back-fills of an account, one after the other. */
export interface Backfills {
  /** The next piece of work, when none is being done; undefined when nothing is asked for. */
  readonly next: (units: readonly number[]) => Job | undefined;
}

function windowsOf(fromMs: number, toMs: number): readonly Window[] {
  const windows: Window[] = [];
  const endS = Math.ceil(toMs / 1000) - 1;
  for (let fromS = Math.floor(fromMs / 1000); fromS <= endS; fromS += DAY_S) {
    windows.push({ fromS, toS: Math.min(endS, fromS + DAY_S - 1) });
  }
  return windows;
}

/** Why a command cannot be carried out; undefined = it can. */
function problemOf({ command }: BackfillOrder): string | undefined {
  const { from_time: from, to_time: to } = command;
  if (from === null || to === null) return 'a back-fill needs from and to, as device times';
  if (from >= to) return 'from must be before to';
  return undefined;
}

/** A back-fill runs as a chain of jobs; its state is committed with each page, so any job may be the last. */
export function createBackfills(context: AccountContext, orders: BackfillOrders): Backfills {
  const { account, owner, ports } = context;
  let running = false;

  function stateOf(id: string): BackfillMoved | undefined {
    const message = owner.cursors.get(backfillKey(account, id));
    return message?.type === 'BackfillMoved' ? message.value : undefined;
  }

  function isPreview(id: string): boolean {
    return orders.of(account).some(({ command }) => command.rework_id === id && command.preview);
  }

  function begin(command: ReworkRequested, units: readonly number[]): BackfillMoved {
    const scope = scopeOf(command.key, account);
    const own = units.filter((id) => isOwnUnit(account, id));
    const wanted = own.filter((id) => scope === ALL_UNITS || unitName(id) === scope);
    const from_time = command.from_time ?? 0;
    return {
      tenant_id: account.tenantId,
      source_id: account.sourceId,
      account: account.account,
      rework_id: command.rework_id,
      status: 'RUNNING',
      from_time,
      to_time: command.to_time ?? from_time,
      units: wanted.toSorted((a, b) => a - b),
      reached_time: from_time,
      units_total: wanted.length,
      messages: 0,
      unit_messages: 0,
      skipped: [],
      updated_time: context.stamp(),
    };
  }

  function recordsOf(
    state: BackfillMoved,
    mark: BackfillMark | undefined,
    unit: string | null,
    reason: string | null,
  ): Outgoing[] {
    const preview = isPreview(state.rework_id);
    return [
      // Readers of the back-fill topic are told nothing of what is only counted.
      ...(mark === undefined || preview ? [] : [markRecord(context, state, mark, unit, reason)]),
      backfillRecord(account, state),
      // Console reads this; a page more or less does not matter to it.
      ...(mark === undefined ? [] : [reworkRecord(context, state, { reason, preview })]),
    ];
  }

  async function end(
    state: BackfillMoved,
    mark: keyof typeof STATUS,
    reason: string | null,
  ): Promise<void> {
    const ended: BackfillMoved = {
      ...state,
      status: STATUS[mark],
      units: [],
      updated_time: context.stamp(),
    };
    await publishPages(context, [], undefined, recordsOf(ended, mark, null, reason));
    await context.commits.drained();
    ports.logger.info(
      { ...context.fields, rework_id: state.rework_id, mark, reason, messages: state.messages },
      'backfill.ended',
    );
  }

  /** Waits as long as the command's rate asks for. */
  async function pace(command: ReworkRequested, messages: number): Promise<void> {
    const ms = (messages / command.rate_records_per_s) * 1000;
    if (ms >= 1) await ports.clock.wait(ms, context.signal);
  }

  async function readNext(
    command: ReworkRequested,
    before: BackfillMoved,
    session: Session,
    mayGoOn: () => boolean,
  ): Promise<void> {
    let state = before;
    const [id = 0] = state.units;
    const unit = unitName(id);
    const finish = (skipped: boolean): BackfillMoved => ({
      ...state,
      units: state.units.slice(1),
      reached_time: state.from_time,
      unit_messages: 0,
      skipped: skipped ? [...state.skipped, id] : state.skipped,
      updated_time: context.stamp(),
    });
    const windows = windowsOf(state.reached_time, state.to_time);
    const { outcome } = await readWindows({
      context,
      session,
      id,
      windows,
      publish: async (page) => {
        const messages = state.messages + page.messages;
        const unit_messages = state.unit_messages + page.messages;
        // Device times below the second reached may come again: the second itself is read again.
        const reached_time = Math.max(state.reached_time, page.reachedS * 1000);
        state = { ...state, messages, unit_messages, reached_time, updated_time: context.stamp() };
        const done = page.isLast ? finish(false) : state;
        const ended = page.isLast ? 'UNIT_ENDED' : undefined;
        const marked = page.isLast ? { ...done, unit_messages } : state;
        const behind = recordsOf(marked, ended, unit, null);
        await publishPages(context, page.values, page.traceparent, behind, true);
        ports.metrics.messages('backfill', page.messages);
        await pace(command, page.messages);
        return mayGoOn();
      },
    });
    if (outcome !== 'skip') return;
    const left = finish(true);
    const reason = `${unit} is gone, or its messages may not be read`;
    await publishPages(context, [], undefined, recordsOf(left, 'UNIT_ENDED', unit, reason));
  }

  /** A unit of a preview: its messages are counted by the provider, none is read. */
  async function countNext(state: BackfillMoved, session: Session): Promise<void> {
    const [id = 0] = state.units;
    const windows = windowsOf(state.from_time, state.to_time);
    const count = await countWindows(context, session, id, windows);
    const counted: BackfillMoved = {
      ...state,
      units: state.units.slice(1),
      messages: state.messages + (count ?? 0),
      unit_messages: 0,
      skipped: count === undefined ? [...state.skipped, id] : state.skipped,
      updated_time: context.stamp(),
    };
    const behind = recordsOf(counted, 'UNIT_ENDED', unitName(id), null);
    await publishPages(context, [], undefined, behind);
  }

  async function step(
    order: BackfillOrder,
    units: readonly number[],
    session: Session,
    mayGoOn: () => boolean,
  ): Promise<void> {
    const { command } = order;
    const known = stateOf(command.rework_id);
    const state = known ?? begin(command, units);
    const problem = known === undefined ? problemOf(order) : undefined;
    if (problem !== undefined) return end(state, 'FAILED', problem);
    // Of a sharded account each part takes its share, which may be nothing.
    if (state.units_total === 0 && account.shard.count === 1) {
      return end(state, 'FAILED', `${command.key} names no unit of this account`);
    }
    if (order.cancelled) return end(state, 'CANCELLED', null);
    if (state.units.length === 0) {
      const { skipped, messages, units_total: total } = state;
      const unread =
        skipped.length === 0 ? null : `could not be read: ${skipped.map(unitName).join(', ')}`;
      const would = `would read ${messages} messages of ${total - skipped.length} units`;
      const preview = unread === null ? would : `${would}; ${unread}`;
      return end(state, 'ENDED', command.preview ? preview : unread);
    }
    if (known === undefined) {
      await publishPages(context, [], undefined, recordsOf(state, 'STARTED', null, null));
    }
    if (command.preview) await countNext(state, session);
    else await readNext(command, state, session, mayGoOn);
    // The next step goes on from what is committed.
    await context.commits.drained();
  }

  function nextOrder(): BackfillOrder | undefined {
    return orders
      .of(account)
      .find(({ command }) => (stateOf(command.rework_id)?.status ?? 'RUNNING') === 'RUNNING');
  }

  return {
    next: (units) => {
      if (running) return undefined;
      if (nextOrder() === undefined) return undefined;
      running = true;
      return {
        what: 'back-fill',
        run: async (session, mayGoOn) => {
          let order = nextOrder();
          while (order !== undefined && mayGoOn()) {
            await step(order, units, session, mayGoOn);
            order = nextOrder();
          }
          running = false;
        },
      };
    },
  };
}
