import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { FleetStore } from '../fleet/fleet-store.ts';
import { InjectedStore } from '../injected-store.ts';
import { createAccount } from '../items.ts';
import { madeUpFleets } from '../made-up.ts';
import { startTestTwin, type TestTwin } from '../test-twin.ts';
import { Delivery } from './delivery.ts';
import { blackBoxPacket, crc16, dataPacket, loginPacket, type IpsFix } from './ips-packet.ts';

const fix: IpsFix = {
  t: Date.UTC(2016, 11, 16, 10, 54, 2) / 1000,
  lat: 30.417875,
  lon: -97.66653,
  speed: 14,
  course: 0,
  parameters: { route: '801', trip: '1689128' },
};

test('packets are those of a recorded IPS 2.0 session', () => {
  assert.equal(loginPacket('350000000005014', 'NA'), '#L#2.0;350000000005014;NA;09B2\r\n');
  assert.equal(
    dataPacket(fix),
    '#D#161216;105402;3025.0725;N;09739.9918;W;14;0;NA;NA;NA;NA;NA;;NA;route:3:801,trip:3:1689128;E01F\r\n',
  );
  const two = blackBoxPacket([
    fix,
    { ...fix, lat: -0.5, lon: 179.9999999, parameters: { a: 1.5 } },
  ]);
  const [, content = '', checksum = ''] = /^#B#(.*\|)([0-9A-F]{4})\r\n$/.exec(two) ?? [];
  assert.equal(crc16(content), checksum);
  assert.match(content, /;0030\.0000;S;18000\.0000;E;14;0;NA;NA;NA;NA;NA;;NA;a:2:1\.5\|$/);
});

/** A receiver that checks the checksum and says yes, unless `refuse` says no. */
async function receiver(
  t: TestContext,
): Promise<{ port: number; lines: string[]; refuse: Set<string> }> {
  const lines: string[] = [];
  const refuse = new Set<string>();
  const answerTo = (line: string): string => {
    const [, type = '', content = '', checksum] = /^#(\w)#(.*)([0-9A-F]{4})$/.exec(line) ?? [];
    assert.equal(crc16(content), checksum, line);
    if (refuse.delete(type)) return `#A${type}#-1`;
    return type === 'B' ? `#AB#${content.split('|').length - 1}` : `#A${type}#1`;
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let rest = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const parts = (rest + String(chunk)).split('\r\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        lines.push(line);
        socket.write(`${answerTo(line)}\r\n`);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, lines, refuse };
}

const storeOf = (): FleetStore =>
  new FleetStore({
    account: { account: 'fleet', resource_id: 600, first_unit_id: 100_001 },
    base: 1_736_121_600,
    fleet: { units: 2, every_s: 60 },
    seed: 7,
  });

const fleet = (pushUrl?: string) =>
  madeUpFleets({
    accounts: ['fleet'],
    fleet: { units: 2, every_s: 60 },
    baseTime: '2025-01-06T00:00:00Z',
    durationS: 86_400,
    ...(pushUrl !== undefined && { pushUrl }),
  });

async function started(
  t: TestContext,
  ...options: Parameters<typeof startTestTwin>
): Promise<TestTwin> {
  const twin = await startTestTwin(...options);
  t.after(() => twin.twin.close());
  return twin;
}

test('every message reaches an IPS receiver; what is refused is sent again', async (t) => {
  const { port, lines, refuse } = await receiver(t);
  const twin = await started(t, { scenario: fleet(), ips: { host: '127.0.0.1', port } });
  twin.runTo(3600);
  refuse.add('B');
  await twin.twin.deliver();
  const { ips_sent, ips_failed } = await twin.twin.deliver();
  const registered = twin.twin.store().accounts[0]?.units.map((unit) => unit.registered) ?? [];
  // What was registered when the twin started is history.
  assert.ok(ips_sent >= 118 && ips_sent <= registered.reduce((sum, n) => sum + n, 0));
  assert.equal(ips_failed, 1);
  assert.equal(lines.filter((line) => line.startsWith('#L#')).length, 3, 'two units, one twice');
  assert.ok(lines.some((line) => line.startsWith('#L#2.0;860000000100001;NA;')));
});

test('what a script registers is sent, too, without anybody asking', async (t) => {
  const { port, lines } = await receiver(t);
  const faults = [
    { at_s: 600, kind: 'message', account: 'fleet', unit: 100_001, message: 'late', age_s: 86_400 },
  ];
  const ips = { host: '127.0.0.1', port };
  const twin = await started(t, { scenario: fleet(), ips, faults });
  twin.runTo(660);
  await twin.twin.deliver();
  assert.ok(lines.some((line) => line.includes('050125;')));
});

test('a tracker whose receiver is gone keeps its last fixes and drops the oldest', async () => {
  const { twin } = await startTestTwin({ scenario: fleet() });
  await twin.close();
  const refused = { host: '127.0.0.1', port: twin.port };
  let elapsed = 0;
  const account = createAccount(new InjectedStore(storeOf()), [], {
    isFull: true,
    pushUrl: undefined,
  });
  const delivery = new Delivery({
    accounts: [account],
    ips: refused,
    elapsedS: () => elapsed,
    sleep: async () => undefined,
    backlogLimit: 5,
  });
  elapsed = 3600;
  await delivery.run();
  const { ips_sent: sent, ips_failed: failed, ips_dropped: dropped } = delivery.report();
  assert.deepEqual([sent, failed], [0, 2]);
  assert.ok(dropped >= 2 * (59 - 5), `${dropped} dropped`);
});

test('notifications are pushed when a zone is entered or left and the ignition goes on', async (t) => {
  const bodies: URLSearchParams[] = [];
  let refusals = 2;
  const server = createHttpServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      const isRefused = refusals-- > 0;
      if (!isRefused) bodies.push(new URLSearchParams(body));
      response.writeHead(isRefused ? 503 : 200).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const pushUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=secret`;
  const twin = await started(t, { scenario: fleet(pushUrl), sleep: async () => undefined });
  twin.runTo(12 * 3600);
  const { pushed, push_failed } = await twin.twin.deliver();
  assert.equal(bodies.length, pushed);
  assert.equal(push_failed, 0, 'two refusals are outlasted');
  const rules = new Set(bodies.map((body) => body.get('rule')));
  assert.deepEqual(rules, new Set(['Zone entered', 'Zone left', 'Ignition on']));
  const entered = bodies.find((body) => body.get('rule') === 'Zone entered');
  assert.match(entered?.get('zone') ?? '', /^Site [12]$/);
  assert.ok(Number(entered?.get('t')) > 1_736_121_600);
  assert.ok(Number.isFinite(Number(entered?.get('lat'))));
});
