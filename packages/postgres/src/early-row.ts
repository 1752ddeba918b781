import { Query, type Connection, type Pool } from 'pg';
import { classify } from './classify.ts';

/** A statement under a name, prepared once per connection. */
export interface NamedStatement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The row of a statement whose transaction may not be on disk yet. */
export interface EarlyRow<Row> {
  readonly row: Row;
  /**
   * Resolves when the transaction is committed. Rejects with a Fault when it was rolled back, or when nobody
   * knows; nobody needs to listen.
   */
  readonly committed: Promise<void>;
}

/** Asks for what the server has before it is asked to commit: one packet more in its answer. */
class EarlyQuery extends Query {
  /** Called by the base class in place of "execute, sync". */
  _getRows(connection: Connection): void {
    connection.execute(null, false);
    connection.flush();
    connection.sync();
  }
}

/**
 * Runs a statement that gives one row, and hands the row over before the commit has waited for the disk.
 * Locks and unique keys of the statement hold from then on: whoever wants the same waits for the commit, so
 * work that may be repeated can begin meanwhile. Rejects with a Fault when there is no row.
 */
export function earlyRow<Row extends object>(
  pool: Pool,
  statement: NamedStatement,
): Promise<EarlyRow<Row>> {
  return new Promise((resolve, reject) => {
    const query = new EarlyQuery({ ...statement, values: [...statement.values] });
    // For a query object the pool returns a promise like for any other, which its types do not say.
    const ended = pool.query(query) as unknown as Promise<unknown>;
    const committed = ended.then(
      () => undefined,
      (error: unknown) => Promise.reject(classify(error)),
    );
    let given = false;
    query.on('row', (row: Row) => {
      given = true;
      resolve({ row, committed });
    });
    committed.then(() => {
      // An error object walks the stack: not for each statement that has its row.
      if (!given) reject(classify(new Error('the statement gave no row')));
    }, reject);
  });
}
