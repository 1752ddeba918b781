import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { isFault } from '@waybill/fault';
import { openRegistry, sameSchema } from './registry.ts';

describe('sameSchema', () => {
  it('ignores key order and the long form of primitive types', () => {
    const left = '{"type":"record","name":"A","fields":[{"name":"x","type":{"type":"string"}}]}';
    const right = '{"fields":[{"type":"string","name":"x"}],"name":"A","type":"record"}';
    assert.ok(sameSchema(left, right));
  });

  it('sees our own attributes and logical types', () => {
    assert.ok(!sameSchema('{"type":"long","minimum":0}', '{"type":"long","minimum":1}'));
    assert.ok(!sameSchema('{"type":"long","logicalType":"timestamp-millis"}', '"long"'));
  });
});

describe('openRegistry', () => {
  it('says what to check when nothing answers', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    // An AddressInfo, because the server listens on a port.
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const registry = openRegistry(`http://127.0.0.1:${port}`, 'test');
    await assert.rejects(
      registry.idOf('s', '"string"'),
      (e) =>
        isFault(e) &&
        e.code === 'REGISTRY_UNAVAILABLE' &&
        e.kind === 'transient' &&
        e.message.includes('SCHEMA_REGISTRY_URL'),
    );
  });

  it('finds our version among newer ones', async () => {
    const versions: Record<string, { id: number; version: number; schema: string }> = {
      '1': { id: 11, version: 1, schema: '{"type":"long","minimum":0}' },
      '2': { id: 12, version: 2, schema: '{"type":"long","minimum":-5}' },
    };
    const server = createServer((request, response) => {
      const last = request.url?.split('/').at(-1) ?? '';
      const body = last === 'versions' ? [1, 2] : versions[last === 'latest' ? '2' : last];
      response.end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const registry = openRegistry(`http://127.0.0.1:${port}/`, 'test');
    assert.equal(await registry.idOf('s', '{"minimum":0,"type":"long"}'), 11);
    assert.equal(await registry.idOf('s', '"long"'), undefined);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
