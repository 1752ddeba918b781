import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { BODY_OFFSET, compileContract, schemaIdOf, type Contract } from './contract.ts';

const schemas = new URL('../../../schemas/', import.meta.url);
const minors = new URL('../testdata/minor/', import.meta.url);

interface StopMade {
  readonly stop_id: string;
  readonly driver_code?: string | null;
  readonly dwell_s: number;
}

interface Version {
  readonly file: string;
  readonly text: string;
  readonly contract: Contract<never>;
}

function load(base: URL, file: string): Version {
  const text = readFileSync(new URL(file, base), 'utf8');
  return { file, text, contract: compileContract<never>(text, file) };
}

/** All schema files of one major version, by `<context>/<entity>/<major>`. */
function majors(base: URL): ReadonlyMap<string, Version[]> {
  const files = readdirSync(base, { recursive: true, encoding: 'utf8' });
  const versions = files.filter((f) => f.endsWith('.avsc')).map((f) => load(base, f));
  return Map.groupBy(versions, ({ file }) => file.replace(/\.\d+\.avsc$/, ''));
}

/** Meaning that Avro does not know: a field that changes it is another field. */
function meanings(text: string): ReadonlyMap<string, string> {
  const { fields } = JSON.parse(text) as { fields: Record<string, unknown>[] };
  return new Map(fields.map((f) => [String(f['name']), JSON.stringify([f['unit'], f['scale']])]));
}

/** What keeps two versions of one major from being minor versions of each other. */
function problemsBetween(left: Version, right: Version): string[] {
  const problems: string[] = [];
  for (const [reader, writer] of [
    [left, right],
    [right, left],
  ] as const) {
    const { problem } = reader.contract.readerOf(writer.text);
    if (problem !== undefined) problems.push(`${reader.file} reads ${writer.file}: ${problem}`);
  }
  const before = meanings(left.text);
  for (const [name, meaning] of meanings(right.text)) {
    const known = before.get(name) ?? meaning;
    if (known !== meaning) problems.push(`${name}: ${known} became ${meaning}`);
  }
  return problems;
}

describe('minor versions', () => {
  it('of every contract read every other one of their major and are read by it', () => {
    const problems: string[] = [];
    for (const versions of [...majors(schemas).values(), ...majors(minors).values()]) {
      for (const [at, left] of versions.entries()) {
        for (const right of versions.slice(at)) problems.push(...problemsBetween(left, right));
      }
    }
    assert.deepEqual(problems, []);
  });

  it('are told from what is no minor version: no default, another type, name or unit', () => {
    const old = load(minors, '1.0.avsc');
    const change = (from: string, to: string): Version => {
      const text = load(minors, '1.1.avsc').text.replace(from, to);
      return { file: 'changed', text, contract: compileContract<never>(text, '1.1') };
    };
    const found = (version: Version): string => problemsBetween(old, version).join('; ');
    assert.match(found(change(',\n      "default": null', '')), /default-less.*driver_code/);
    assert.match(found(change('"type": "int"', '"type": "string"')), /cannot read/);
    assert.match(found(change('"StopMade"', '"StopLeft"')), /StopLeft/);
    assert.match(found(change('"unit": "s"', '"unit": "min"')), /dwell_s: \["s",null\]/);
  });
});

// Framed by hand: 00, schema id, then Avro: strings and ints as zigzag varints, the union's branch first.
const GOLDEN = {
  '1.0': Buffer.from('00 00 00 00 07 04 73 31 b4 01'.replaceAll(' ', ''), 'hex'),
  '1.1': Buffer.from('00 00 00 00 08 04 73 31 02 04 64 39 b4 01'.replaceAll(' ', ''), 'hex'),
};

describe('golden bytes', () => {
  const older = load(minors, '1.0.avsc');
  const newer = load(minors, '1.1.avsc');

  function read(reader: Version, writer: Version, bytes: Buffer): unknown {
    const { decode } = reader.contract.readerOf(writer.text);
    return { ...(decode?.(bytes, BODY_OFFSET) as object | undefined) };
  }

  it('of the older version give the newer one its default', () => {
    const bytes = GOLDEN['1.0'];
    assert.deepEqual(read(newer, older, bytes), { stop_id: 's1', driver_code: null, dwell_s: 90 });
    assert.equal(schemaIdOf(bytes), 7);
  });

  it('of the newer version leave out what the older one does not know', () => {
    assert.deepEqual(read(older, newer, GOLDEN['1.1']), { stop_id: 's1', dwell_s: 90 });
  });

  it('are what each version writes', () => {
    const write = (version: Version, value: StopMade, id: number): Buffer =>
      version.contract.encode(value as never, id);
    assert.deepEqual(write(older, { stop_id: 's1', dwell_s: 90 }, 7), GOLDEN['1.0']);
    const withDriver = { stop_id: 's1', driver_code: 'd9', dwell_s: 90 };
    assert.deepEqual(write(newer, withDriver, 8), GOLDEN['1.1']);
  });
});
