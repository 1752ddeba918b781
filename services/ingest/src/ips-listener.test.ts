import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { connect as connectSecure } from 'node:tls';
import { topics } from '@waybill/contracts';
import { until } from '@waybill/testkit';
import { generate } from 'selfsigned';
import {
  compressed,
  connectTracker,
  fixOf,
  ipsSource,
  packet,
  startIpsHarness,
  Tracker,
  type IpsHarness,
  type IpsHarnessOptions,
} from './testing/ips.ts';

async function started(t: TestContext, options: IpsHarnessOptions = {}): Promise<IpsHarness> {
  const harness = await startIpsHarness(options);
  t.after(() => harness.listener.close(0));
  return harness;
}

async function tracker(t: TestContext, { listener }: IpsHarness): Promise<Tracker> {
  const one = await connectTracker(listener.port);
  t.after(() => one.socket.destroy());
  return one;
}

test('a unit logs in and each packet is answered as the protocol says', async (t) => {
  const harness = await started(t);
  const one = await tracker(t, harness);
  assert.equal(await one.ask('#P#'), '#AP#', 'a ping needs no login');
  assert.equal(await one.login(), '#AL#1');
  assert.equal(await one.ask(packet('SD', `${fixOf(1)};`)), '#ASD#1');
  assert.equal(await one.ask(packet('D', `${fixOf(2)};1;0;0;;NA;a:1:5;`)), '#AD#1');
  assert.equal(await one.ask(packet('B', `${fixOf(3)}|${fixOf(4)}|${fixOf(5)}|`)), '#AB#3');
  assert.equal(await one.ask(packet('M', 'hello;')), '#AM#0', 'nobody would read it');
  const [first, ...others] = harness.kept;
  assert.equal(others.length, 2);
  assert.deepEqual(
    { ...first, received_time: 0, request_id: '', body_sha256: '' },
    {
      tenant_id: 'bay-cabs',
      source_id: 'stream',
      request_id: '',
      received_time: 0,
      verdict: 'UNSIGNED',
      key_id: 'k1',
      idempotency_key: null,
      content_type: 'text/vnd.wialon-ips',
      headers: { 'wialon-ips-device': '350000000005014', 'wialon-ips-unit': 'wialon:7001' },
      body_sha256: '',
      body: Buffer.from(packet('SD', `${fixOf(1)};`)),
    },
  );
  const contract = topics.webhookRaw.contracts.WebhookReceived;
  assert.deepEqual(first && contract.violations(first), []);
  const text = await harness.metricsText();
  assert.match(text, /ips_messages_total\{[^}]*\} 5/);
  assert.match(text, /ips_packets_total\{type="B",outcome="kept"[^}]*\} 1/);
});

test('compressed packets are as good as others, and their record holds the packet', async (t) => {
  const harness = await started(t);
  const one = await tracker(t, harness);
  const ask = (bytes: Buffer): Promise<string | undefined> => {
    one.socket.write(bytes);
    return one.answer();
  };
  assert.equal(await ask(compressed(packet('L', '2.0;350000000005014;geheim;'))), '#AL#1');
  const line = packet('D', `${fixOf(1)};1;0;0;;NA;NA;`);
  assert.equal(await ask(compressed(line)), '#AD#1');
  assert.equal(await ask(compressed(`${line}\r\n`)), '#AD#1');
  assert.equal(await one.ask(line), '#AD#1', 'both kinds on one connection');
  const halves = Buffer.concat([compressed(line), Buffer.from(`\r\n${line}\r\n`)]);
  for (const byte of halves) one.socket.write(Buffer.from([byte]));
  assert.deepEqual([await one.answer(), await one.answer()], ['#AD#1', '#AD#1']);
  const full = packet('B', `${Array.from({ length: 900 }, () => fixOf(2)).join('|')}|`);
  assert.equal(await ask(compressed(full)), '#AB#900');
  assert.deepEqual(
    harness.kept.map(({ body }) => body.toString()),
    [line, line, line, line, line, full],
  );
  assert.equal(new Set(harness.kept.map(({ request_id: id }) => id)).size, 2);
});

test('a compressed packet that does not open, or opens too wide, is kept and ends the connection', async (t) => {
  const harness = await started(t);
  const wide = compressed(`#D#${' '.repeat(65_536)};0000`);
  const two = compressed('#P#\r\n#P#\r\n');
  const rubbish = Buffer.from([0xff, 3, 0, 1, 2, 3]);
  for (const bytes of [wide, two, rubbish]) {
    const stranger = await tracker(t, harness);
    stranger.socket.write(bytes);
    assert.equal(await stranger.answer(), undefined);
    const one = await tracker(t, harness);
    await one.login();
    one.socket.write(bytes);
    assert.equal(await one.answer(), undefined);
  }
  assert.deepEqual(
    harness.rejected.map(({ body }) => body),
    [wide, two, rubbish].map((bytes) => bytes.subarray(3)),
    'of strangers nothing is kept',
  );
  assert.equal(harness.kept.length, 0);
});

test('pictures, files and commands are passed over and answered; the connection goes on', async (t) => {
  const harness = await started(t);
  const one = await tracker(t, harness);
  await one.login();
  const block = Buffer.from(`\r\n#P#\r\n${packet('D', `${fixOf(9)};1;0;0;;NA;NA;`)}\r\n\u00ff`);
  const withBlock = async (head: string): Promise<string | undefined> => {
    one.socket.write(Buffer.concat([Buffer.from(`${head}\r\n`), block]));
    return one.answer();
  };
  const bytes = block.length;
  assert.equal(await withBlock(`#I#${bytes};3;7;091025;120000;a.jpg;1A2B`), '#AI#3;0');
  assert.equal(await one.ask(packet('IT', '091025;120000;D1;;2;')), '#AIT#0');
  assert.equal(await one.ask('#IT#091025;120000;D1;;2;0000'), '#AIT#01');
  assert.equal(await withBlock(`#T#;${bytes};1;1A2B`), '#AT#1;0');
  assert.equal(await one.ask('#M#hello;0000'), '#AM#01');
  for (const command of [`#US#${bytes};1A2B`, `#UC#${bytes};1A2B`]) {
    one.socket.write(Buffer.concat([Buffer.from(`${command}\r\n`), block]));
  }
  one.send('#QI#');
  one.send('#QT#D1');
  assert.equal(await one.ask('#P#'), '#AP#', 'to commands there is no answer');
  assert.equal(await one.ask(packet('SD', `${fixOf(1)};`)), '#ASD#1');
  assert.equal(harness.kept.length, 1, 'nothing inside a block was taken for a packet');
  assert.equal(await one.ask('#I#many;3;7;091025;120000;a.jpg;1A2B'), '#AI#NA;0');
  assert.equal(await one.answer(), undefined, 'the next packet cannot be found');
  const video = await tracker(t, harness);
  await video.login();
  assert.equal(await video.ask('#V#1;2;3;0000'), undefined);
  const large = await tracker(t, harness);
  await large.login();
  assert.equal(await large.ask('#I#1048577;3;7;091025;120000;a.jpg;1A2B'), undefined);
});

test('a packet is answered only when its record stands in the log; until then nothing else is read', async (t) => {
  const harness = await started(t);
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  harness.append = () => {
    asked += 1;
    return gate.promise;
  };
  const one = await tracker(t, harness);
  await one.login();
  let answers = 0;
  const all = [1, 2].map(async (second) => {
    one.send(packet('D', `${fixOf(second)};1;0;0;;NA;NA;`));
    await one.answer();
    answers += 1;
  });
  await until('the log is asked', () => asked === 1);
  const other = await tracker(t, harness);
  assert.equal(await other.ask('#P#'), '#AP#', 'others are not held up');
  assert.deepEqual([answers, asked, harness.kept.length], [0, 1, 0]);
  gate.resolve();
  await Promise.all(all);
  assert.deepEqual([answers, harness.kept.length], [2, 2]);
});

test('what the log does not confirm is not answered: the connection ends, the same packet gives the same record', async (t) => {
  const harness = await started(t);
  harness.append = () => Promise.reject(new Error('no broker'));
  const line = packet('D', `${fixOf(1)};1;0;0;;NA;NA;`);
  const one = await tracker(t, harness);
  await one.login();
  assert.equal(await one.ask(line), undefined);
  harness.append = async () => undefined;
  for (let round = 0; round < 2; round += 1) {
    const again = await tracker(t, harness);
    await again.login();
    assert.equal(await again.ask(line), '#AD#1');
  }
  assert.equal(harness.kept.length, 2);
  assert.equal(harness.kept[0]?.request_id, harness.kept[1]?.request_id);
});

test('a wrong checksum is answered as such, and nothing is kept', async (t) => {
  const harness = await started(t);
  const stranger = await tracker(t, harness);
  assert.equal(await stranger.ask('#L#2.0;350000000005014;geheim;0000'), '#AL#10');
  assert.equal(await stranger.answer(), undefined, 'and the connection ends');
  const one = await tracker(t, harness);
  await one.login();
  const broken = (line: string): string => line.replace('5206', '5207');
  assert.equal(await one.ask(broken(packet('D', `${fixOf(1)};1;0;0;;NA;NA;`))), '#AD#16');
  assert.equal(await one.ask(broken(packet('SD', `${fixOf(1)};`))), '#ASD#13');
  assert.equal(await one.ask(broken(packet('B', `${fixOf(1)}|`))), '#AB#');
  assert.deepEqual([harness.kept.length, harness.rejected.length], [0, 0]);
});

test('an intact packet that says nothing is kept as rejected and answered with the protocol’s number', async (t) => {
  const harness = await started(t);
  const one = await tracker(t, harness);
  await one.login();
  assert.equal(await one.ask(packet('D', 'a;b;')), '#AD#-1');
  assert.equal(await one.ask(packet('SD', `${fixOf(1).replace('091025', '321325')};`)), '#ASD#0');
  assert.equal(await one.ask(packet('SD', `${fixOf(1).replace('5206', '9906')};`)), '#ASD#10');
  assert.equal(await one.ask(packet('B', 'a;b|c|')), '#AB#0');
  assert.equal(await one.ask(packet('B', '|')), '#AB#0');
  assert.equal(await one.ask(packet('B', `${fixOf(1)}|rubbish|`)), '#AB#2', 'one of two is kept');
  assert.equal(harness.rejected.length, 5);
  assert.equal(harness.rejected[0]?.body.toString(), packet('D', 'a;b;'));
  assert.equal(harness.kept.length, 1);
});

test('strangers are refused: another version, password, device, address, or data before the login', async (t) => {
  const harness = await started(t);
  harness.sources.push(ipsSource('hudson-waste', { secrets: {}, allowlist: ['203.0.113.7'] }));
  const first = async (line: string): Promise<(string | undefined)[]> => {
    const one = await tracker(t, harness);
    return [await one.ask(line), await one.answer()];
  };
  const login = (content: string): string => packet('L', content);
  const device = '350000000005014';
  assert.deepEqual(await first(login(`1.1;${device};geheim;`)), ['#AL#0', undefined]);
  assert.deepEqual(await first(login(`2.0;${device};`)), ['#AL#0', undefined]);
  assert.deepEqual(await first(login('2.0;;geheim;')), ['#AL#0', undefined]);
  assert.deepEqual(await first(login(`2.0;${device};falsch;`)), ['#AL#01', undefined]);
  assert.deepEqual(await first(login('2.0;1234;geheim;')), ['#AL#0', undefined]);
  assert.deepEqual(await first(packet('D', `${fixOf(1)};1;0;0;;NA;NA;`)), [undefined, undefined]);
  assert.deepEqual(await first('GET / HTTP/1.1'), [undefined, undefined]);
  harness.describe('bay-cabs', 'wialon:7001', null);
  assert.deepEqual(await first(login(`2.0;${device};geheim;`)), ['#AL#0', undefined]);
  assert.equal(harness.kept.length, 0);
  const reasons = harness.lines.map(({ fields }) => (fields as { reason: string }).reason);
  assert.deepEqual(reasons, ['password_wrong', 'device_unknown', 'device_unknown']);
  assert.ok(!JSON.stringify(harness.lines).includes('falsch'), 'no password in the log');
});

test('the password says whose unit it is; a device of two tenants that one address may send is refused', async (t) => {
  const harness = await started(t);
  harness.secrets.set('secret://files/hudson-waste#ips', 'other');
  harness.sources.push(ipsSource('hudson-waste'));
  harness.describe('hudson-waste', 'wialon:8001', '350000000005014');
  const one = await tracker(t, harness);
  assert.equal(await one.login('350000000005014', 'other'), '#AL#1');
  await one.ask(packet('SD', `${fixOf(1)};`));
  assert.equal(harness.kept[0]?.tenant_id, 'hudson-waste');
  assert.equal(harness.kept[0]?.headers['wialon-ips-unit'], 'wialon:8001');
  harness.sources = ['bay-cabs', 'hudson-waste'].map((tenant) =>
    ipsSource(tenant, { secrets: {}, allowlist: ['127.0.0.0/8'] }),
  );
  const both = await tracker(t, harness);
  assert.equal(await both.login('350000000005014', 'NA'), '#AL#0');
  harness.sources.pop();
  const single = await tracker(t, harness);
  assert.equal(
    await single.login('350000000005014', 'NA'),
    '#AL#1',
    'the address alone may decide',
  );
});

test('guesses at a password are slowed down, and an unreadable password is no refusal', async (t) => {
  const harness = await started(t);
  const answers: (string | undefined)[] = [];
  for (let guess = 0; guess < 12; guess += 1) {
    const one = await tracker(t, harness);
    answers.push(await one.login('350000000005014', `guess-${guess}`));
  }
  assert.deepEqual(answers, [...Array<string>(10).fill('#AL#01'), '#AL#0', '#AL#0']);
  const own = await started(t);
  own.secrets.clear();
  assert.equal(await (await tracker(t, own)).login(), undefined, 'it may come again');
});

test('a source that is withdrawn, and a device that was moved, end the connection', async (t) => {
  const harness = await started(t);
  const one = await tracker(t, harness);
  await one.login();
  harness.describe('bay-cabs', 'wialon:7002', '350000000005014');
  harness.describe('bay-cabs', 'wialon:7001', '350000000009999');
  assert.equal(await one.ask(packet('SD', `${fixOf(1)};`)), undefined);
  const moved = await tracker(t, harness);
  assert.equal(await moved.login(), '#AL#1');
  await moved.ask(packet('SD', `${fixOf(1)};`));
  assert.equal(harness.kept[0]?.headers['wialon-ips-unit'], 'wialon:7002');
  harness.sources = [];
  assert.equal(await moved.ask(packet('SD', `${fixOf(2)};`)), undefined);
  assert.equal(harness.kept.length, 1);
});

test('lines, connections, silence and rate are bounded', async (t) => {
  const harness = await started(t, {
    config: { INGEST_IPS_CONNECTIONS_MAX: 2, INGEST_IPS_IDLE_S: 0.05 },
  });
  const long = await tracker(t, harness);
  await long.login();
  long.socket.write('#B#'.padEnd(70_000, 'x'));
  assert.equal(await long.answer(), undefined);
  const silent = await tracker(t, harness);
  await silent.login();
  assert.equal(await silent.answer(), undefined, 'silence ends it');
  const two = await Promise.all([tracker(t, harness), tracker(t, harness)]);
  assert.deepEqual(await Promise.all(two.map((one) => one.ask('#P#'))), ['#AP#', '#AP#']);
  const third = await tracker(t, harness);
  assert.equal(await third.answer(), undefined, 'one too many');
  const text = await harness.metricsText();
  for (const why of ['line_too_long', 'idle', 'over_limit']) {
    assert.match(text, new RegExp(`ips_connections_closed_total\\{why="${why}"`));
  }
});

test('packets beyond the rate, and beyond the room in memory, wait and are not lost', async (t) => {
  const harness = await started(t, { requests: 1 });
  harness.sources = [ipsSource('bay-cabs', { limit: { requests_per_s: 20, burst: 1 } })];
  const both = await Promise.all([tracker(t, harness), tracker(t, harness)]);
  await Promise.all(both.map((one) => one.login()));
  const answers = await Promise.all(
    both.flatMap((one, at) =>
      [1, 2].map((second) => one.ask(packet('SD', `${fixOf(10 * at + second)};`))),
    ),
  );
  assert.deepEqual(answers, Array<string>(4).fill('#ASD#1'));
  assert.equal(harness.kept.length, 4);
});

test('a stop answers the packet at work and closes what is silent', async (t) => {
  const harness = await started(t);
  const gate = Promise.withResolvers<void>();
  let asked = false;
  harness.append = () => {
    asked = true;
    return gate.promise;
  };
  const [busy, silent] = await Promise.all([tracker(t, harness), tracker(t, harness)]);
  await Promise.all([busy.login(), silent.login()]);
  const answer = busy.ask(packet('SD', `${fixOf(1)};`));
  await until('the packet is at work', () => asked);
  const closed = harness.listener.close(5000);
  assert.equal(await silent.answer(), undefined);
  gate.resolve();
  assert.equal(await answer, '#ASD#1');
  assert.equal(await busy.answer(), undefined);
  await closed;
});

test('with TLS the conversation is the same', async (t) => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
  });
  const harness = await started(t, { tls: { key, cert } });
  const socket = connectSecure({
    host: '127.0.0.1',
    port: harness.listener.port,
    rejectUnauthorized: false,
  });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  const one = new Tracker(socket);
  assert.equal(await one.login(), '#AL#1');
  assert.equal(await one.ask(packet('SD', `${fixOf(1)};`)), '#ASD#1');
  const plain = await tracker(t, harness);
  assert.equal(await plain.login(), undefined, 'nobody speaks without it');
  await assert.rejects(
    startIpsHarness({ config: { INGEST_IPS_TLS: true } }),
    /needs a certificate/,
  );
});
