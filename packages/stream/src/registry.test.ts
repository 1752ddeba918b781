import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
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

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly response: ServerResponse;
}

/** A registry whose answers the test gives; `asked` lists the requests that came. */
async function serve(answer: (asked: Asked) => void): Promise<{
  readonly url: string;
  readonly asked: readonly string[];
  readonly stop: () => Promise<void>;
}> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { method = '', url: path = '' } = request;
    request.resume();
    asked.push(`${method} ${path}`);
    answer({ method, path, response });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // An AddressInfo, because the server listens on a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}

const unavailable = (e: unknown): boolean =>
  isFault(e) &&
  e.code === 'REGISTRY_UNAVAILABLE' &&
  e.kind === 'transient' &&
  e.message.includes('SCHEMA_REGISTRY_URL');

describe('openRegistry', () => {
  it('says what to check when nothing listens', async () => {
    const { url, stop } = await serve(() => undefined);
    await stop();
    await assert.rejects(openRegistry(url).idOf('s', '"string"'), unavailable);
  });

  it('finds our version among newer ones', async () => {
    const versions: Record<string, { id: number; version: number; schema: string }> = {
      '1': { id: 11, version: 1, schema: '{"type":"long","minimum":0}' },
      '2': { id: 12, version: 2, schema: '{"type":"long","minimum":-5}' },
    };
    const { url, stop } = await serve(({ path, response }) => {
      const last = path.split('/').at(-1) ?? '';
      const body = last === 'versions' ? [1, 2] : versions[last === 'latest' ? '2' : last];
      response.end(JSON.stringify(body));
    });
    const registry = openRegistry(`${url}/`);
    assert.equal(await registry.idOf('s', '{"minimum":0,"type":"long"}'), 11);
    assert.equal(await registry.idOf('s', '"long"'), undefined);
    await stop();
  });

  it('gives a registration up that is never answered', async () => {
    const { url, asked, stop } = await serve(({ method, response }) => {
      if (method === 'GET') response.writeHead(404).end('{}');
    });
    await assert.rejects(openRegistry(url, 20).register('s', '"string"'), unavailable);
    assert.equal(asked.filter((line) => line === 'POST /subjects/s/versions').length, 4);
    await stop();
  });

  it('registers again when the connection ends in mid-answer', async () => {
    let posts = 0;
    const { url, asked, stop } = await serve(({ method, response }) => {
      if (method === 'GET') return void response.writeHead(404).end('{}');
      if (method === 'PUT') return void response.end('{}');
      posts += 1;
      if (posts > 1) return void response.end('{"id":7}');
      response.writeHead(200, { 'content-length': 8 });
      response.write('{"id"', () => response.destroy());
    });
    assert.equal(await openRegistry(url).register('s', '"string"'), 7);
    assert.equal(asked.at(-1), 'PUT /config/s');
    await stop();
  });

  it('gets on with another process that registers the same', async () => {
    let posts = 0;
    const { url, asked, stop } = await serve(({ method, response }) => {
      const refuse = (): unknown => response.writeHead(409).end('{"message":"exists already"}');
      if (method === 'POST') return void ((posts += 1), refuse());
      if (method === 'PUT') {
        const first = asked.filter((line) => line.startsWith('PUT')).length === 1;
        return void (first ? refuse() : response.end('{}'));
      }
      if (posts === 0) return void response.writeHead(404).end('{}');
      response.end('{"id":7,"version":1,"schema":"\\"string\\""}');
    });
    assert.equal(await openRegistry(url).register('s', '"string"'), 7);
    assert.deepEqual(asked.slice(-2), ['PUT /config/s', 'PUT /config/s']);
    await stop();
  });

  it('sets the level first where versions exist, and names what the registry refused', async () => {
    const { url, asked, stop } = await serve(({ method, path, response }) => {
      if (method === 'PUT') return void response.end('{}');
      if (method === 'POST') {
        return void response.writeHead(409).end('{"message":"incompatible:\\n speed is missing"}');
      }
      const version = { id: 1, version: 1, schema: '"long"' };
      response.end(JSON.stringify(path.endsWith('versions') ? [1] : version));
    });
    await assert.rejects(
      openRegistry(url).register('s', '"string"'),
      (e) =>
        isFault(e) &&
        e.code === 'REGISTRY_REFUSED' &&
        e.message.endsWith('register s, the registry answered: incompatible: speed is missing'),
    );
    assert.ok(asked.indexOf('PUT /config/s') < asked.indexOf('POST /subjects/s/versions'));
    await stop();
  });
});
