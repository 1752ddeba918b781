import {
  BODY_OFFSET,
  subjectOf,
  topics as catalogue,
  type Contract,
  type Message,
  type Topic,
  type Violation,
} from '@waybill/contracts';
import { streamFault } from './errors.ts';
import { sameSchema, type Registry } from './registry.ts';

/** What a record's bytes turned out to be. */
export type Decoded =
  { readonly message: Message } | { readonly message?: never; readonly problem: string };

/** Framed bytes in memory that is used again: copy them before anything else is written. */
export interface Scratch {
  readonly bytes: Buffer;
  readonly length: number;
}

/**
 * Reads the framed record from `start` to before `end`; a number is a schema id that only `read` finds out about. Nothing
 * of the result keeps `bytes` alive.
 */
export type Decode = (bytes: Buffer, start: number, end: number) => Decoded | number;

/** Encodes and decodes synchronously; the registry is asked at `bind` and for ids never seen. */
export interface Codecs {
  /** Resolves the schema ids of all contracts. Throws a Fault `CONTRACT_NOT_REGISTERED`. */
  readonly bind: (topics: readonly Topic[]) => Promise<void>;
  /** Framed bytes. Throws a Fault `CONTRACT_VIOLATED` that names path and rule. */
  readonly encode: (topic: Topic, message: Message) => Buffer;
  /** The same without a buffer of their own: they stand in the scratch until the next call. */
  readonly write: (topic: Topic, message: Message) => Scratch;
  /** How to read the records of a topic at once, while their schema ids are known. */
  readonly decoder: (topic: Topic) => Decode;
  /** Reads one record; asks the registry about a schema id that was never seen. */
  readonly read: (topic: Topic, bytes: Buffer) => Promise<Decoded>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a contract whose record type only the topic knows
type AnyContract = Contract<any>;

/** How records of one schema id are read: with our contract, or resolved from another minor version. */
interface Known {
  readonly type: string;
  readonly decode: (bytes: Buffer, offset: number, end: number) => unknown;
}

interface Bound {
  readonly id: number;
  readonly contract: AnyContract;
}

interface Binding {
  readonly byType: Map<string, Bound>;
  readonly byId: Map<number, Known>;
  readonly foreign: Map<number, string>;
}

/** Ids that are no schema of ours are remembered up to this many: garbage must not fill the memory. */
const MAX_FOREIGN_IDS = 1_000;

/** Grows to the largest record that was written. */
const SCRATCH_BYTES = 16 << 10;

/** The transformer checks every position before it emits it; checking twice costs 2 µs each. */
const VALIDATED_BY_AUTHOR: ReadonlySet<string> = new Set([catalogue.position.name]);

function contractsOf(topic: Topic): readonly (readonly [string, AnyContract])[] {
  // The mapped type loses its index; the values are contracts by declaration.
  return Object.entries(topic.contracts as Record<string, AnyContract>);
}

function violated(topic: Topic, type: string, found: readonly Violation[], cause?: unknown): Error {
  const shown = found.slice(0, 3).map(({ path, message }) => `${path || 'value'}: ${message}`);
  const more = found.length > shown.length ? ` and ${found.length - shown.length} more` : '';
  const text = cause instanceof Error ? cause.message : 'it does not keep its contract';
  const detail = shown.length > 0 ? `${shown.join('; ')}${more}` : text;
  return streamFault('CONTRACT_VIOLATED', 'publish', `${topic.name} ${type}: ${detail}`, cause);
}

/** Codecs of one connection; `namespace` prefixes the subjects. */
export function createCodecs(registry: Registry, namespace: string): Codecs {
  const bindings = new Map<string, Binding>();
  const scratch = { bytes: Buffer.allocUnsafeSlow(SCRATCH_BYTES), length: 0 };

  function bindingOf(topic: Topic): Binding {
    const binding = bindings.get(topic.name);
    if (binding === undefined) {
      throw streamFault('UNDECLARED_OUTPUT', 'publish', `${topic.name} was not declared`);
    }
    return binding;
  }

  async function bindTopic(topic: Topic): Promise<void> {
    if (bindings.has(topic.name)) return;
    const binding: Binding = { byType: new Map(), byId: new Map(), foreign: new Map() };
    for (const [type, contract] of contractsOf(topic)) {
      const subject = `${namespace}${subjectOf(topic, contract)}`;
      const id = await registry.idOf(subject, contract.schemaText);
      if (id === undefined) {
        throw streamFault(
          'CONTRACT_NOT_REGISTERED',
          'start',
          `expected ${contract.fullName} ${contract.version} under ${subject}: run provisioning`,
        );
      }
      binding.byType.set(type, { id, contract });
      binding.byId.set(id, {
        type,
        decode: (bytes, offset, end) => contract.decode(bytes, offset, end),
      });
    }
    bindings.set(topic.name, binding);
  }

  /** The contract of a message that keeps it. */
  function kept(topic: Topic, message: Message): Bound {
    const known = bindingOf(topic).byType.get(message.type);
    if (known === undefined) {
      throw violated(topic, message.type, [{ path: '', message: 'not a record of this topic' }]);
    }
    if (!VALIDATED_BY_AUTHOR.has(topic.name)) {
      const found = known.contract.violations(message.value);
      if (found.length > 0) throw violated(topic, message.type, found);
    }
    return known;
  }

  function encode(topic: Topic, message: Message): Buffer {
    const { id, contract } = kept(topic, message);
    try {
      return contract.encode(message.value, id);
    } catch (error) {
      throw violated(topic, message.type, contract.violations(message.value), error);
    }
  }

  function write(topic: Topic, message: Message): Scratch {
    const { id, contract } = kept(topic, message);
    try {
      let length = contract.write(message.value, id, scratch.bytes);
      while (length < 0) {
        scratch.bytes = Buffer.allocUnsafeSlow((scratch.bytes.length - length) * 2);
        length = contract.write(message.value, id, scratch.bytes);
      }
      scratch.length = length;
      return scratch;
    } catch (error) {
      throw violated(topic, message.type, contract.violations(message.value), error);
    }
  }

  /** Asks the registry once who wrote an id, and keeps how to read it or why it cannot be read. */
  async function learn(topic: Topic, id: number): Promise<void> {
    const { byId, foreign } = bindingOf(topic);
    const text = await registry.textOf(id);
    const found = text === undefined ? undefined : writtenBy(topic, text);
    if (found?.known !== undefined) {
      byId.set(id, found.known);
      return;
    }
    if (foreign.size >= MAX_FOREIGN_IDS) foreign.clear();
    foreign.set(
      id,
      text === undefined
        ? `schema id ${id} is not in the registry`
        : foreignProblem(topic, id, text, found?.problem),
    );
  }

  function decoder(topic: Topic): Decode {
    const { byId, foreign } = bindingOf(topic);
    return (bytes, start, end) => {
      if (end - start < BODY_OFFSET || bytes[start] !== 0) {
        return { problem: unframed(bytes.subarray(start, end)) };
      }
      const id = bytes.readUInt32BE(start + 1);
      const known = byId.get(id);
      if (known === undefined) {
        const problem = foreign.get(id);
        return problem === undefined ? id : { problem };
      }
      const { type } = known;
      try {
        return { message: { type, value: known.decode(bytes, start + BODY_OFFSET, end) } };
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        return { problem: `${type}: ${text}` };
      }
    };
  }

  async function read(topic: Topic, bytes: Buffer): Promise<Decoded> {
    const decode = decoder(topic);
    const decoded = decode(bytes, 0, bytes.length);
    if (typeof decoded !== 'number') return decoded;
    await learn(topic, decoded);
    const learned = decode(bytes, 0, bytes.length);
    return typeof learned === 'number' ? { problem: `unknown schema id ${learned}` } : learned;
  }

  return {
    bind: async (topics) => {
      await Promise.all(topics.map(bindTopic));
    },
    encode,
    write,
    decoder,
    read,
  };
}

function unframed(bytes: Buffer): string {
  const start = bytes.subarray(0, 5).toString('hex');
  return `expected a framed record (00, schema id, Avro), found ${bytes.length} bytes starting ${start}`;
}

/** The contract of a topic that can read what was written with the schema `text`. */
function writtenBy(
  topic: Topic,
  text: string,
): { readonly known?: Known; readonly problem?: string | undefined } {
  const { fullName } = nameOf(text);
  const entry = contractsOf(topic).find(([, contract]) => contract.fullName === fullName);
  if (entry === undefined) return {};
  const [type, contract] = entry;
  if (sameSchema(text, contract.schemaText)) {
    return { known: { type, decode: (bytes, offset, end) => contract.decode(bytes, offset, end) } };
  }
  const { decode, problem } = contract.readerOf(text);
  return decode === undefined ? { problem } : { known: { type, decode } };
}

function nameOf(text: string): { readonly fullName: string } {
  const schema: unknown = JSON.parse(text);
  const { namespace, name } = Object(schema) as { namespace?: string; name?: string };
  return { fullName: [namespace, name].filter(Boolean).join('.') || text.slice(0, 40) };
}

function foreignProblem(
  topic: Topic,
  id: number,
  text: string,
  problem = 'that is another record',
): string {
  const known = contractsOf(topic).map(([, c]) => `${c.fullName} ${c.version}`);
  return `schema id ${id} is ${nameOf(text).fullName} in a version that this service does not read (${problem}); it reads ${known.join(', ')} and what is compatible with it both ways`;
}
