import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { atEnd, topics } from '../cluster.ts';
import { counter, echo, publish } from './counter.ts';
import { withSystem, type Systems } from './system.ts';

const { schemaText } = topics.input.contracts.UnitStateSaved;
const OURS = JSON.parse(schemaText) as { readonly fields: readonly object[] };
const NOTE = { name: 'note', type: ['null', 'string'], default: null, doc: 'Added in 1.1.' };

/** Our contract with one more optional field in front: a minor version. */
const MINOR = JSON.stringify({ ...OURS, fields: [NOTE, ...OURS.fields] });
/** Note "hi", layout 1, payload "new". */
const MINOR_BODY = Buffer.from('0204686902066e6577', 'hex');

/** Another record under the name of another major. */
const FOREIGN = JSON.stringify({ ...OURS, name: 'UnitStateDropped' });
const FOREIGN_BODY = Buffer.from('02066e6577', 'hex');

export function versionsContract(systems: () => Systems): void {
  describe('a record that another version wrote', () => {
    it('is read with Avro resolution when it is a minor version', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await publish(streams, ['a']);
        await system.writeWith(MINOR, 'a', MINOR_BODY);
        await publish(streams, ['a']);
        const runner = await streams.transact(counter({ createTask: () => ({ handle: echo }) }));
        await system.until('everything is read', () => atEnd(system, runner));
        assert.deepEqual(await system.read(topics.output), ['a=0', 'a=new', 'a=0']);
        assert.deepEqual(await system.letters(), []);
      }));

    it('is a dead letter that names both when it is of something else', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await system.writeWith(FOREIGN, 'a', FOREIGN_BODY);
        await publish(streams, ['a']);
        const runner = await streams.transact(counter({ createTask: () => ({ handle: echo }) }));
        await system.until('everything is read', () => atEnd(system, runner));
        assert.deepEqual(await system.read(topics.output), ['a=0']);
        const [letter] = await system.letters();
        assert.equal(letter?.code, 'UNDECODABLE');
        assert.match(
          letter.message,
          /detector\.unit\.UnitStateDropped.*reads detector\.unit\.UnitStateSaved 1\.0/,
        );
      }));
  });
}
