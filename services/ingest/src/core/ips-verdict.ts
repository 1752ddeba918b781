import { ipsMessages, readIpsMessage, type IpsPacket, type IpsRead } from '@waybill/domain';

/** What a packet of messages comes to, before anything is written. */
export type IpsVerdict =
  /** Into the raw topic; the answer goes out when it stands there. */
  | { readonly kind: 'keep'; readonly answer: string; readonly messages: number }
  /** Intact and of no use: kept for people to look at, answered with the protocol's number. */
  | { readonly kind: 'reject'; readonly answer: string; readonly expected: string }
  /** Its bytes changed on the way: the sender repeats it. */
  | { readonly kind: 'corrupt'; readonly answer: string };

/** Types that carry messages. */
export type IpsDataType = 'D' | 'SD' | 'B';

/** What the protocol answers to a wrong checksum. */
const CORRUPT: Readonly<Record<IpsDataType, string>> = {
  D: '#AD#16',
  SD: '#ASD#13',
  B: '#AB#',
};

/** True for a packet of messages. */
export function isIpsData(type: string): type is IpsDataType {
  return type in CORRUPT;
}

function expectedOf(read: IpsRead | undefined): string {
  return read?.kind === 'malformed' ? read.expected : 'at least one message';
}

/**
 * What to do with a packet of messages. A black box is taken when one of its messages can be read: what
 * cannot be becomes a dead letter behind the raw topic, so nothing of it has to be sent again, and the answer
 * counts all of them.
 */
export function ipsVerdict(packet: IpsPacket, type: IpsDataType): IpsVerdict {
  if (!packet.isIntact) return { kind: 'corrupt', answer: CORRUPT[type] };
  const reads = ipsMessages(packet).map(readIpsMessage);
  const [first] = reads;
  if (type === 'B') {
    const messages = reads.length;
    return reads.some(({ kind }) => kind === 'message')
      ? { kind: 'keep', answer: `#AB#${messages}`, messages }
      : { kind: 'reject', answer: '#AB#0', expected: expectedOf(first) };
  }
  return first?.kind === 'message'
    ? { kind: 'keep', answer: `#A${type}#1`, messages: 1 }
    : {
        kind: 'reject',
        answer: `#A${type}#${first?.kind === 'malformed' ? first.answer : -1}`,
        expected: expectedOf(first),
      };
}

/** The answer that says no, and to a wrong checksum; how it is told which block of a file is meant. */
interface Refusal {
  readonly no: string;
  /** Undefined: the checksum is of the block, which nobody reads. */
  readonly corrupt?: string;
  readonly block?: RegExp;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  M: { no: '#AM#0', corrupt: '#AM#01' },
  IT: { no: '#AIT#0', corrupt: '#AIT#01' },
  I: { no: '#AI#', block: /^\d{1,9};(\d{1,9});/ },
  T: { no: '#AT#', block: /^[^;]*;\d{1,9};(\d{1,9});/ },
};

/** What only servers send: there is no answer to it. */
const COMMANDS: ReadonlySet<string> = new Set(['US', 'UC', 'QI', 'QT']);

/**
 * What is said to packets that carry no messages of units: texts of drivers, pictures and files of
 * tachographs, none of which any event needs. Without `answer` the protocol has none; `isLost` = where the
 * next packet begins cannot be known, so the connection has to end.
 */
export function ipsRefusal({ type, content, isIntact }: IpsPacket): {
  readonly answer?: string;
  readonly isLost: boolean;
} {
  const refusal = REFUSALS[type];
  if (refusal === undefined) return { isLost: !COMMANDS.has(type) };
  const { no, corrupt, block } = refusal;
  if (block === undefined) return { answer: isIntact ? no : (corrupt ?? no), isLost: false };
  const [, index] = block.exec(content) ?? [];
  return { answer: `${no}${index ?? 'NA'};0`, isLost: index === undefined };
}

/** Who a login says it is. */
export interface IpsLogin {
  readonly device: string;
  /** NA, as the protocol has it, for none. */
  readonly password: string;
}

/** Longer ids and passwords are none. */
const LOGIN_TEXT_MAX = 255;

/** A login of version 2.0, or what is wrong with it. */
export function ipsLogin({ content, isIntact }: IpsPacket): IpsLogin | 'corrupt' | 'malformed' {
  if (!isIntact) return 'corrupt';
  const [version, device = '', password = '', ...rest] = content.split(';');
  const isRight = version === '2.0' && device !== '' && rest.length === 1 && rest[0] === '';
  if (!isRight || device.length > LOGIN_TEXT_MAX || password.length > LOGIN_TEXT_MAX) {
    return 'malformed';
  }
  return { device, password };
}
