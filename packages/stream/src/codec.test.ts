import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { topics as catalogue, type Topic } from '@waybill/contracts';
import { isFault } from '@waybill/fault';
import { createCodecs, type Codecs, type Decoded } from './codec.ts';
import type { Registry } from './registry.ts';
import { text, textOf, topics } from './testing/cluster.ts';

const INPUT: Topic = topics.input;
const FOREIGN = 77;
const COPY = 78;
const NEWER = 79;

const { schemaText } = catalogue.detectorUnit.contracts.UnitStateSaved;
const OURS = JSON.parse(schemaText) as { readonly fields: readonly unknown[] };
/** Our contract with one more optional field: a minor version that this service does not know. */
const NEWER_TEXT = JSON.stringify({
  ...OURS,
  fields: [{ name: 'note', type: ['null', 'string'], default: null }, ...OURS.fields],
});

/** A registry that numbers subjects, knows one foreign schema and one copy of ours. */
function fakeRegistry() {
  const asked: number[] = [];
  const ids = new Map<string, number>();
  const registry: Registry = {
    idOf: async (subject) => {
      if (subject.startsWith('missing.')) return undefined;
      if (!ids.has(subject)) ids.set(subject, ids.size + 1);
      return ids.get(subject);
    },
    textOf: async (id) => {
      asked.push(id);
      if (id === COPY) return schemaText;
      if (id === NEWER) return NEWER_TEXT;
      return id === FOREIGN
        ? '{"type":"record","namespace":"detector.unit","name":"UnitStateSaved","fields":[]}'
        : undefined;
    },
    register: async () => 0,
  };
  return { registry, asked, subjects: () => [...ids.keys()] };
}

/** The framed bytes with another schema id. */
function withId(bytes: Buffer, id: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32BE(id, 1);
  return copy;
}

describe('what is decoded', () => {
  it('shares no memory with the bytes it came of: state must not hold a whole fetch', async () => {
    const codecs = createCodecs(fakeRegistry().registry, '');
    await codecs.bind([INPUT]);
    const fetched = Buffer.from(codecs.encode(INPUT, text('kept')));
    const decoded = codecs.decoder(INPUT)(fetched, 0, fetched.length);
    assert.ok(typeof decoded !== 'number' && decoded.message);
    const { payload } = decoded.message.value as { readonly payload: Buffer };
    assert.notEqual(payload.buffer, fetched.buffer);
    fetched.fill(0xff);
    assert.equal(textOf(decoded.message), 'kept');
  });
});

describe('codecs', () => {
  let codecs: Codecs;
  const decode = (topic: Topic, bytes: Buffer): Decoded => {
    // In the middle of other bytes, as records stand in a fetched batch.
    const framed = Buffer.concat([Buffer.from('<'), bytes, Buffer.from('>>>>')]);
    const decoded = codecs.decoder(topic)(framed, 1, 1 + bytes.length);
    assert.ok(typeof decoded !== 'number');
    return decoded;
  };
  let fake: ReturnType<typeof fakeRegistry>;
  before(async () => {
    fake = fakeRegistry();
    codecs = createCodecs(fake.registry, 'ns.');
    await codecs.bind([INPUT]);
  });

  it('bind subjects of topic and record under the namespace', () => {
    assert.deepEqual(fake.subjects(), ['ns.test.input.event.v1-detector.unit.UnitStateSaved']);
  });

  it('decode what they encoded', () => {
    const bytes = codecs.encode(INPUT, text('hello'));
    const { message } = decode(INPUT, bytes);
    assert.equal(message?.type, 'UnitStateSaved');
    assert.equal(textOf(message), 'hello');
  });

  it('name what is wrong with bytes that are not a record', () => {
    const bytes = codecs.encode(INPUT, text('hello'));
    const problem = (found: Buffer): string => {
      const decoded = decode(INPUT, found);
      return decoded.message === undefined ? decoded.problem : 'none';
    };
    assert.match(problem(Buffer.from('{}')), /expected a framed record/);
    assert.match(problem(Buffer.alloc(0)), /expected a framed record/);
    assert.match(problem(bytes.subarray(0, bytes.length - 2)), /end too early|truncated/);
  });

  it('ask the registry once for an id never seen, and take a copy of our contract', async () => {
    const bytes = codecs.encode(INPUT, text('hello'));
    for (const id of [FOREIGN, COPY, 99]) {
      const unknown = withId(bytes, id);
      assert.equal(codecs.decoder(INPUT)(unknown, 0, unknown.length), id);
      await codecs.read(INPUT, unknown);
    }
    assert.deepEqual(fake.asked, [FOREIGN, COPY, 99]);
    assert.equal(textOf(decode(INPUT, withId(bytes, COPY)).message), 'hello');
    const foreign = decode(INPUT, withId(bytes, FOREIGN));
    assert.match(
      foreign.message === undefined ? foreign.problem : '',
      /schema id 77 is detector\.unit\.UnitStateSaved in a version that this service does not read \(.*layout\); it reads detector\.unit\.UnitStateSaved 1\.0/,
    );
    const unknown = decode(INPUT, withId(bytes, 99));
    assert.match(unknown.message === undefined ? unknown.problem : '', /99 is not in the registry/);
  });

  it('read what another minor version wrote, and ask the registry for it once', async () => {
    // note "hi", layout 1, payload "hello": written by hand with the newer schema.
    const body = Buffer.from('02046869020a68656c6c6f', 'hex');
    const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, NEWER]), body]);
    const before = fake.asked.length;
    await codecs.read(INPUT, bytes);
    const { message } = await codecs.read(INPUT, bytes);
    assert.deepEqual(fake.asked.slice(before), [NEWER]);
    assert.equal(textOf(message), 'hello');
    assert.ok(!JSON.stringify(message).includes('note'), 'what we do not know is left out');
  });

  it('refuse a value that breaks its contract, naming the path', () => {
    const bad = { type: 'UnitStateSaved', value: { layout: 1, payload: 'text' } };
    assert.throws(
      () => codecs.encode(INPUT, bad),
      (e) => isFault(e) && e.code === 'CONTRACT_VIOLATED' && /payload/.test(e.message),
    );
    assert.throws(
      () => codecs.encode(INPUT, { type: 'Nothing', value: {} }),
      (e) => isFault(e) && e.code === 'CONTRACT_VIOLATED',
    );
  });

  it('name the path also where only Avro checks', async () => {
    const position: Topic = catalogue.position;
    await codecs.bind([position]);
    assert.throws(
      () => codecs.encode(position, { type: 'ProgressReached', value: { tenant_id: 5 } }),
      (e) => isFault(e) && e.code === 'CONTRACT_VIOLATED' && /tenant_id/.test(e.message),
    );
  });

  it('refuse to start without a registered contract', async () => {
    const missing = createCodecs(fake.registry, 'missing.');
    await assert.rejects(
      missing.bind([INPUT]),
      (e) =>
        isFault(e) &&
        e.code === 'CONTRACT_NOT_REGISTERED' &&
        e.kind === 'misconfigured' &&
        /run provisioning/.test(e.message),
    );
  });
});
