import { malformedKinds } from '../malformed.ts';
import { createRandom, type Random } from '../random.ts';
import { limitReasons } from './reasons.ts';
import type { TimedFault } from './timed-faults.ts';

export interface FaultPlanOptions {
  readonly seed: number;
  readonly account: string;
  readonly unitIds: readonly number[];
  readonly zoneIds: readonly number[];
  /** Faults are spread evenly from here… */
  readonly fromS: number;
  /** …to here, seconds of the data clock. */
  readonly toS: number;
  /** How often each kind is ordered. */
  readonly times: number;
}

/** Error codes beside 1003 that any call may answer with (fact sheet 3), and one nobody knows. */
const CODES = [1, 4, 5, 6, 9, 10, 1002, 1004, 1005, 424_242] as const;
const SLOW_MS = 20_000;
/** How long a token stays revoked, and a unit away. */
const AWAY_S = 900;
const COLUMNS = ['Mileage', 'Duration', 'Max speed'] as const;

type Order = Omit<TimedFault, 'at_s'>;
type Draw = (random: Random, options: FaultPlanOptions, n: number) => readonly Order[];

/** The call that a fault meets: half of them are polls. */
const service = (random: Random): string =>
  random.pick(['avl_evts', 'avl_evts', '*', 'messages/load_interval', 'messages/get_messages']);

/** A call fault; those of loading calls come with lost sessions, or there would be nothing to load. */
function onCall(order: Order): Draw {
  return (random) => {
    const svc = service(random);
    const met = { ...order, svc, after: svc === '*' ? random.integer(0, 3) : 0 };
    return svc.startsWith('messages/') ? [{ kind: 'expire_sessions' }, met] : [met];
  };
}

const later = (order: Order, seconds: number): Order => ({ ...order, later_s: seconds });

const unitFault =
  (order: Order): Draw =>
  (random, { unitIds }) => [{ ...order, unit: random.pick(unitIds) }];

const draws: readonly Draw[] = [
  () => [{ kind: 'expire_sessions' }],
  // In mid-page: the session is lost, and the next one while it reads.
  (random) => [
    { kind: 'expire_sessions' },
    { kind: 'expire', svc: 'messages/get_messages', after: random.integer(0, 5) },
  ],
  ...[1, 2].map((token): Draw => () => [
    { kind: 'revoke_token', token },
    later({ kind: 'restore_token', token }, AWAY_S),
  ]),
  ...limitReasons.map((reason) => onCall({ kind: 'limit', reason })),
  ...CODES.map((code) => onCall({ kind: 'error', code })),
  onCall({ kind: 'ip_changed' }),
  onCall({ kind: 'http', status: 502 }),
  onCall({ kind: 'html' }),
  onCall({ kind: 'cut' }),
  onCall({ kind: 'truncate' }),
  onCall({ kind: 'slow', ms: SLOW_MS }),
  ...['duplicate', 'jump', 'future', 'no_position', ...malformedKinds].map((message) =>
    unitFault({ kind: 'message', message }),
  ),
  (random, { unitIds }) => [
    {
      kind: 'message',
      message: 'late',
      unit: random.pick(unitIds),
      age_s: random.integer(60, 86_400),
    },
  ],
  unitFault({ kind: 'change_sensors' }),
  unitFault({ kind: 'reset_counter' }),
  (random, { unitIds }) => {
    const unit = random.pick(unitIds);
    return [{ kind: 'remove_unit', unit }, later({ kind: 'restore_unit', unit }, AWAY_S)];
  },
  (random, { zoneIds }) => [{ kind: 'edit_zone', zone: random.pick(zoneIds) }],
  (random, _options, n) => {
    const column = random.pick(COLUMNS);
    return [{ kind: 'rename_column', report: 'Trips', column, name: `${column} ${n}` }];
  },
];

/** What an order is counted as when it takes effect. */
function countedAs({ kind, code, reason, message }: Order): string {
  if (kind === 'limit') return `error 1003 ${String(reason)}`;
  if (kind === 'error') return `error ${String(code)}`;
  return kind === 'message' ? `message ${String(message)}` : String(kind);
}

/** Names of the kinds in a plan, as `calls().faults` counts them. */
export function plannedKinds(plan: readonly TimedFault[]): ReadonlySet<string> {
  return new Set(plan.map(countedAs));
}

/**
 * Plans every kind of fault so many times, at moments spread over the run in a random order: a pure function
 * of its options. For one account with full equipment.
 */
export function planFaults(options: FaultPlanOptions): TimedFault[] {
  const { seed, account, fromS, toS, times } = options;
  const random = createRandom(seed);
  const turns = draws.flatMap((draw) => Array.from({ length: times }, (_, n) => ({ draw, n })));
  const step = (toS - fromS) / turns.length;
  return random.shuffled(turns).flatMap(({ draw, n }, index) => {
    const at = Math.round(fromS + (index + random.next() / 2) * step);
    return draw(random, options, n).map(({ later_s: delay = 0, ...order }): TimedFault => {
      const at_s = at + Number(delay);
      return { ...order, account, at_s };
    });
  });
}
