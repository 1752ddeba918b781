// A service that does nothing, started as a process by run-service.test.ts. SAMPLE_* steer it.
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { Fault } from '@waybill/fault';
import { defineConfig, processConfig, runService } from '../index.ts';

const behaviour = process.env['SAMPLE_BEHAVIOUR'] ?? 'serve';

await runService({
  name: 'sample',
  config: defineConfig({ ...processConfig, INGEST_SAMPLE: z.string().default('x') }),
  start: async ({ logger, stopping }) => {
    const ended = Promise.withResolvers<void>();
    if (behaviour === 'fail-start') {
      throw new Fault('expected a broker at 127.0.0.1:1, found none', {
        kind: 'transient',
        code: 'BROKER_AWAY',
        stage: 'start',
      });
    }
    if (behaviour === 'fail-later') {
      setTimeout(() => {
        ended.reject(new Fault('fenced', { kind: 'cancelled', code: 'FENCED', stage: 'commit' }));
      }, 50);
    }
    if (behaviour === 'reject')
      setTimeout(() => void Promise.reject(new Error('nobody awaited')), 50);
    if (behaviour === 'chatty') setInterval(() => logger.info({}, 'sample.chatted'), 20).unref();
    // Keeps the process alive, as a consumer would.
    const alive = setInterval(() => undefined, 1000);
    return {
      health: () => ({
        ready: true,
        positions: [{ topic: 'a.b.event.v1', partition: 0, next: 12n, lag: 3n }],
        extra: { answer: 42 },
      }),
      routes: {
        'POST /echo': async (url, body) => ({
          status: 200,
          body: { query: url.searchParams.get('q'), body: body.toString() },
        }),
        'GET /refuse': async () => {
          throw new Fault('no such tenant', {
            kind: 'refused',
            code: 'NO_TENANT',
            stage: 'decide',
          });
        },
      },
      done: ended.promise,
      started: { extra_port: 4711 },
      stop: async () => {
        logger.info({ aborted: stopping.aborted }, 'sample.draining');
        await delay(50);
        clearInterval(alive);
        logger.info({}, 'sample.drained');
        ended.resolve();
      },
    };
  },
});
