/**
 * A process of its own for the fault suite: writes every record as a row of table `seen`, which has no
 * key, so that a repeat shows. DATABASE_URL says where.
 */
import { createPool, projectionStore } from '@waybill/postgres';
import { connectStreams } from '../streams.ts';
import { textOf, topics } from './cluster.ts';
import { internals, options, say, stay } from './member-setting.ts';

const pool = createPool(process.env['DATABASE_URL'] ?? '', {
  applicationName: 'projector',
  max: 4,
});
await pool.query('create table if not exists seen (id bigserial, key text, value text)').catch(
  // Two processes may create it at once; the loser finds it.
  () => undefined,
);
const streams = await connectStreams(options, internals);
const runner = await streams.project({
  service: 'projector',
  inputs: [topics.input],
  store: projectionStore(pool, 'public'),
  handle: async (records, tx) => {
    await tx.query('insert into seen (key, value) select * from unnest($1::text[], $2::text[])', [
      records.map(({ key }) => key),
      records.map(({ message }) => textOf(message)),
    ]);
    say('handling');
  },
});
await stay(streams, runner);
