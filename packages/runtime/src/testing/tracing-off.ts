// Prints what tracing without an endpoint does, and how much of the SDK it loaded: tracing.test.ts.
import { createRequire } from 'node:module';
import { startTracing } from '../tracing.ts';

const tracing = startTracing({ service: 'sample', endpoint: undefined });
const traceparent = await tracing.span('work', {}, (own) => own);
const loaded = Object.keys(createRequire(import.meta.url).cache);
const ofSdk = loaded.filter((file) => file.includes('@opentelemetry/sdk-trace'));
process.stdout.write(JSON.stringify({ traceparent: traceparent ?? null, ofSdk: ofSdk.length }));
