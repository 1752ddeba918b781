import { createPool, transaction, type Pool } from '@waybill/postgres';
import { Fault } from '@waybill/fault';
import { classifyErp, isRaised } from './classify.ts';
import { readDriverPlan, type ErpDriverPlan } from './driver-plan.ts';
import { checkMapping, withoutFields, type ErpMapping } from './mapping.ts';
import type {
  ErpAdapter,
  ErpEntity,
  ErpFact,
  ErpPeriod,
  ErpRecord,
  Triple,
  WriteResult,
} from './port.ts';
import { readPeriods, readRecords } from './read.ts';
import { compileStatements, type Statements } from './statements.ts';
import { lockKey, NothingWritten, writeFact } from './write.ts';

/** A held table or row lock ends a write as transient, within the worker's lease (6 s). */
const LOCK_TIMEOUT_MS = 2000;
const STATEMENT_TIMEOUT_MS = 5000;

/** Dates that the ERP's lock may refuse one after another within one write: the old and the new one. */
const MOST_REFUSALS = 2;

export interface PostgresErpOptions {
  readonly url: string;
  /** IANA zone of the company, for local timestamps and dates. */
  readonly zone: string;
  readonly mappings: readonly ErpMapping[];
  /** Fields that the ERP owns: never written. Default: none. */
  readonly ownedByErp?: Readonly<Partial<Record<ErpEntity, ReadonlySet<string>>>>;
  readonly driverPlan?: ErpDriverPlan | undefined;
  /** Shown in pg_stat_activity; default `waybill`. */
  readonly applicationName?: string;
  /** Most connections; default 8. */
  readonly maxConnections?: number;
}

/** A PostgreSQL-backed ERP, driven by its mapping files only. Connects when first used. */
export function createPostgresErp(options: PostgresErpOptions): ErpAdapter {
  const { zone, ownedByErp = {} } = options;
  const compiled = new Map<ErpEntity, Statements>();
  for (const mapping of options.mappings) {
    const owned = withoutFields(mapping, ownedByErp[mapping.entity] ?? new Set());
    checkMapping(owned);
    compiled.set(mapping.entity, compileStatements(owned));
  }
  const pool = createPool(options.url, {
    applicationName: options.applicationName ?? 'waybill',
    max: options.maxConnections ?? 8,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const statementsOf = (entity: ErpEntity): Statements => {
    const statements = compiled.get(entity);
    if (statements !== undefined) return statements;
    throw new Fault(`there is no mapping for ${entity}; add erp/${entity}.yaml to the tenant`, {
      kind: 'misconfigured',
      code: 'MAPPING_MISSING',
      stage: 'deliver',
    });
  };
  const asked = async <R>(work: () => Promise<R>): Promise<R> => {
    try {
      return await work();
    } catch (error) {
      throw classifyErp(error);
    }
  };
  const digest = (entity: ErpEntity, keys?: readonly string[]): Promise<readonly ErpRecord[]> =>
    asked(() => readRecords(pool, statementsOf(entity), zone, keys));
  return {
    describe: () => ({ adapter: 'postgres', entities: [...compiled.values()].map(describe) }),
    write: (fact, triple) =>
      asked(() => write(pool, { statements: statementsOf(fact.entity), fact, triple, zone })),
    digest,
    lookup: async (entity, key) => (await digest(entity, [key]))[0],
    periods: () => asked(() => periodsOf(pool, [...compiled.values()])),
    plannedDrivers: () => {
      const { driverPlan } = options;
      return driverPlan === undefined
        ? Promise.resolve([])
        : asked(() => readDriverPlan(pool, driverPlan, zone));
    },
    health: () =>
      asked(async () => {
        await pool.query('SELECT 1');
      }),
    classify: classifyErp,
    close: () => pool.end(),
  };
}

interface WriteRequest {
  readonly statements: Statements;
  readonly fact: ErpFact;
  readonly triple: Triple;
  readonly zone: string;
}

/**
 * The ERP's lock is the truth: when its trigger refuses a date that the period table showed open (the
 * period closed in between), the write is done again with that date taken as closed.
 */
async function write(pool: Pool, request: WriteRequest): Promise<WriteResult> {
  const { statements, fact } = request;
  const refused = new Set<string>();
  for (let refusals = 0; ; refusals += 1) {
    try {
      return await attempt(pool, request, refused);
    } catch (error) {
      const found = error instanceof Fault ? error.cause : error;
      if (found instanceof NothingWritten) {
        return nothingWritten(statements, fact, found.reason);
      }
      const mayAmend = statements.selectPeriods !== undefined && isRaised(error);
      if (!mayAmend || refusals >= MOST_REFUSALS) throw error;
      for (const date of await datesOf(pool, request)) refused.add(date);
    }
  }
}

async function attempt(
  pool: Pool,
  request: WriteRequest,
  refused: ReadonlySet<string>,
): Promise<WriteResult> {
  const lock = lockKey(request.statements.mapping.table, request.fact.entityId);
  return transaction(pool, async (client) => {
    await client.query(
      `SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SELECT pg_advisory_xact_lock(${lock})`,
    );
    return writeFact({ ...request, client, refused });
  });
}

/** Dates that a refused write touched: that of the new version and that of the ERP's row. */
async function datesOf(pool: Pool, { statements, fact, zone }: WriteRequest): Promise<string[]> {
  const [record] = await readRecords(pool, statements, zone, [fact.entityId]);
  return [fact.fields['business_date'], record?.fields['business_date']].filter(
    (date) => typeof date === 'string',
  );
}

function nothingWritten(statements: Statements, fact: ErpFact, reason: string): WriteResult {
  return {
    outcome: 'MANUAL',
    duplicate: false,
    reason,
    table: statements.mapping.table,
    key: fact.entityId,
    changedFields: [],
    amendments: [],
  };
}

function describe({ mapping }: Statements): ReturnType<ErpAdapter['describe']>['entities'][number] {
  const expressions = [...Object.values(mapping.key), ...Object.values(mapping.columns)];
  return {
    entity: mapping.entity,
    table: mapping.table,
    mode: mapping.mode,
    amends: mapping.period !== undefined,
    withdraws: mapping.retracted !== undefined,
    fields: [...new Set(expressions.map(({ from }) => from))],
  };
}

async function periodsOf(
  pool: Pool,
  statements: readonly Statements[],
): Promise<readonly ErpPeriod[]> {
  const period = statements.find(({ mapping }) => mapping.period !== undefined)?.mapping.period;
  return period === undefined ? [] : readPeriods(pool, period);
}
