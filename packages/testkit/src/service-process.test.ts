import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { startService } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'waybill-process-'));
after(() => rmSync(folder, { recursive: true }));

/** A program as a service would be; `code` may use `say`. */
function program(name: string, code: string): URL {
  const file = join(folder, `${name}.mjs`);
  const say = 'const say = (fields) => console.log(JSON.stringify(fields));';
  writeFileSync(file, `import { createServer } from 'node:http';\n${say}\n${code}`);
  return pathToFileURL(file);
}

test('a service in a process of its own tells its ports and its health, and ends', async () => {
  const main = program(
    'answering',
    `const server = createServer((_, response) => response.end(JSON.stringify({ ready: process.env.KEY })));
    process.on('SIGTERM', () => process.exit(0));
    server.listen(0, () => say({ msg: 'service.started', port: server.address().port }));`,
  );
  const service = startService(main, { KEY: 'value' });
  assert.equal(await service.health(), undefined);
  assert.equal(typeof (await service.started)['port'], 'number');
  assert.deepEqual(await service.health(), { ready: 'value' });
  assert.equal(await service.end('SIGTERM'), 0);
  assert.equal(await service.health(), undefined);
  assert.equal(await service.end('SIGKILL'), 0, 'it has ended already');
});

test('a service that does not start says why', async () => {
  const service = startService(program('failing', "say({ msg: 'no such host' });"), {});
  await assert.rejects(service.started, /did not start:[^]*no such host/);
  assert.equal(await service.exit, 0);
});
