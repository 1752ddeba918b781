import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTokenRequest } from './token-request.ts';

const GRANT = 'grant_type=client_credentials';
const client = { clientId: 'bay-cabs/small', clientSecret: 'g e:h%im' };
const basic = (text: string): string => `Basic ${btoa(text)}`;

const cases: readonly (readonly [string, string | undefined, unknown])[] = [
  [`${GRANT}&client_id=bay-cabs%2Fsmall&client_secret=g+e%3Ah%25im`, undefined, client],
  [GRANT, basic('bay-cabs%2Fsmall:g+e%3Ah%25im'), client],
  [`${GRANT}&scope=any`, basic('bay-cabs%2Fsmall:g%20e%3Ah%25im'), client],
  [GRANT, basic('bay-cabs/small:'), { clientId: 'bay-cabs/small', clientSecret: '' }],
  ['', undefined, 'invalid_request'],
  ['grant_type=password', undefined, 'unsupported_grant_type'],
  [`${GRANT}&${GRANT}`, undefined, 'invalid_request'],
  [`${GRANT}&client_id=a&client_id=b`, undefined, 'invalid_request'],
  [`${GRANT}&client_id=a`, basic('a:b'), 'invalid_request'],
  [`${GRANT}&client_id=a`, undefined, 'invalid_client'],
  [GRANT, undefined, 'invalid_client'],
  [GRANT, 'Basic', 'invalid_client'],
  [GRANT, 'Basic !', 'invalid_client'],
  [GRANT, 'Bearer x', 'invalid_client'],
  [GRANT, basic('no-colon'), 'invalid_client'],
  [GRANT, basic('a:%zz'), 'invalid_client'],
  ['x'.repeat(9000), undefined, 'invalid_request'],
];
for (const [body, authorization, expected] of cases) {
  test(`${body.slice(0, 60)} ${authorization ?? ''} is read right`, () => {
    assert.deepEqual(parseTokenRequest(body, authorization), expected);
  });
}

test('whatever comes is read or refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.string(), fc.option(fc.string(), { nil: undefined }), (body, authorization) => {
      const result = parseTokenRequest(body, authorization);
      return typeof result === 'string' || result.clientId !== undefined;
    }),
  );
});

test('any id and secret come back as they were encoded, in both places', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (clientId, clientSecret) => {
      const [id, secret] = [clientId, clientSecret].map(encodeURIComponent);
      const form = new URLSearchParams({ client_id: clientId, client_secret: clientSecret });
      const inForm = parseTokenRequest(`${GRANT}&${form.toString()}`, undefined);
      const inBasic = parseTokenRequest(GRANT, basic(`${id}:${secret}`));
      assert.deepEqual(inForm, { clientId, clientSecret });
      assert.deepEqual(inBasic, { clientId, clientSecret });
    }),
  );
});
