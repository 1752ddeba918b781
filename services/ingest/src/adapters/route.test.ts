import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routeOf } from './route.ts';

const webhook = (path?: string, secret?: string): object => ({ kind: 'webhook', path, secret });

const cases: readonly (readonly [method: string, url: string, object | undefined])[] = [
  ['POST', '/webhooks/telematics', webhook()],
  ['POST', '/webhooks/telematics?a=/b', webhook()],
  ['POST', '/webhooks/telematics#a', webhook()],
  ['POST', '/webhooks/telematics/bay-cabs/dispatch', webhook('bay-cabs/dispatch')],
  ['POST', '/webhooks/telematics/bay-cabs/disp%61tch?x', webhook('bay-cabs/dispatch')],
  ['POST', '/webhooks/telematics/a/b/s3cret%2F', webhook('a/b', 's3cret/')],
  ['POST', '/webhooks/telematics//', webhook('/')],
  ['POST', '/oauth/token', { kind: 'token', path: undefined, secret: undefined }],
  ['GET', '/docs?x=1', { kind: 'document', path: '/docs' }],
  ['POST', '/webhooks/telematics/', undefined],
  ['POST', '/webhooks/telematics/bay-cabs', undefined],
  ['POST', '/webhooks/telematics/a/b/c/d', undefined],
  ['POST', '/webhooks/telematics/a/b/%zz', undefined],
  ['POST', `/webhooks/telematics/a/b/${'c'.repeat(513)}`, undefined],
  ['POST', '/webhooks/telematicsx', undefined],
  ['OPTIONS', '/webhooks/telematics?x', { kind: 'permission' }],
  ['OPTIONS', '/webhooks/telematics/any/body', { kind: 'permission' }],
  ['OPTIONS', '/oauth/token', undefined],
  ['OPTIONS', '*', undefined],
  ['POST', '/', undefined],
  ['PUT', '/webhooks/telematics', undefined],
  ['HEAD', '/docs', undefined],
];
for (const [method, url, route] of cases) {
  test(`${method} ${url.slice(0, 60)}`, () => {
    assert.deepEqual(routeOf(method, url), route);
  });
}
