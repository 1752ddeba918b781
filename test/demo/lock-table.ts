/**
 * Holds an exclusive lock on an ERP table, as month-end jobs do:
 * `node test/demo/lock-table.ts <database address> <table> [seconds]`.
 */
import pg from 'pg';

const [connectionString, table, seconds = '30'] = process.argv.slice(2);
if (connectionString === undefined || !/^[a-z_]+\.[a-z_]+$/.test(table ?? '')) {
  console.error('usage: node test/demo/lock-table.ts <database address> <schema.table> [seconds]');
  process.exit(2);
}
const client = new pg.Client({ connectionString });
await client.connect();
try {
  await client.query(`begin; lock table ${table} in access exclusive mode`);
  console.log(`${table} is locked for ${seconds} s; deliveries wait and go on afterwards`);
  await client.query('select pg_sleep($1)', [Number(seconds)]);
  await client.query('rollback');
} finally {
  await client.end();
}
