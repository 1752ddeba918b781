import { Agent, request } from 'node:http';
import { gunzipSync } from 'node:zlib';

/** The Remote API as a load generator calls it: node:http, kept connections, gzip. */
export interface RemoteClient {
  /** Text of the answer. */
  readonly call: (svc: string, params: object) => Promise<string>;
  /** Moves a virtual clock. */
  readonly advance: (seconds: number) => Promise<void>;
  readonly close: () => void;
}

const JSON_TYPE = 'application/x-www-form-urlencoded';

function post(agent: Agent, url: string, body: string): Promise<Buffer> {
  const headers = { 'content-type': JSON_TYPE, 'accept-encoding': 'gzip' };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const isZipped = response.headers['content-encoding'] === 'gzip';
        resolve(isZipped ? gunzipSync(bytes) : bytes);
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Logs in and gives a client of that session. */
export async function logIn(url: string, token: string): Promise<RemoteClient> {
  const agent = new Agent({ keepAlive: true });
  let sid = '';
  const call: RemoteClient['call'] = async (svc, params) => {
    const body = new URLSearchParams({ svc, params: JSON.stringify(params), sid }).toString();
    const path = svc === 'avl_evts' ? '/avl_evts' : '/wialon/ajax.html';
    return (await post(agent, `${url}${path}`, body)).toString('latin1');
  };
  sid = (JSON.parse(await call('token/login', { token })) as { eid: string }).eid;
  const advance = async (seconds: number): Promise<void> => {
    await post(agent, `${url}/twin/clock`, JSON.stringify({ advance_s: seconds }));
  };
  return { call, advance, close: () => agent.destroy() };
}
