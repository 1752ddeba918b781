import { Fault } from '@waybill/fault';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [Address, number];

/** More hops than that are no chain of proxies but an attempt to keep us busy. */
const MAX_HOPS = 32;

/** An address in its shortest form; v4 in v6 clothes as v4. Undefined when it is none. */
function parse(text: string): Address | undefined {
  const plain = text.trim().replace(/^\[(.*)\](?::\d+)?$/, '$1');
  const address = /^\d+\.\d+\.\d+\.\d+:\d+$/.test(plain)
    ? plain.slice(0, plain.indexOf(':'))
    : plain;
  // The parser would also take 0x7f.1 and the like; nobody writes them but to deceive.
  if (!/^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$/.test(address))
    return undefined;
  return ipaddr.isValid(address) ? ipaddr.process(address) : undefined;
}

function networkOf(text: string): Network | undefined {
  const [base = '', bits] = text.split('/');
  const address = parse(base);
  if (address === undefined) return undefined;
  const whole = address.kind() === 'ipv4' ? 32 : 128;
  const prefix = bits === undefined ? whole : Number(bits);
  return Number.isInteger(prefix) && prefix >= 0 && prefix <= whole ? [address, prefix] : undefined;
}

/** The proxies of INGEST_TRUSTED_PROXIES. Throws Fault `misconfigured`: a typo must not trust nobody. */
export function trustedProxies(entries: readonly string[]): (address: string) => boolean {
  if (entries.length === 1 && entries[0] === 'none') return () => false;
  const wrong = entries.find((entry) => networkOf(entry) === undefined);
  if (wrong === undefined) return networks(entries);
  throw new Fault(
    `INGEST_TRUSTED_PROXIES: expected addresses and networks, or none, found ${wrong}`,
    { kind: 'misconfigured', code: 'CONFIG_INVALID', stage: 'start' },
  );
}

/**
 * Whether an address stands in one of the networks (addresses or CIDR, v4 or v6). An entry that cannot
 * be read allows nobody, an address that cannot be read is not allowed.
 */
export function networks(entries: readonly string[]): (address: string) => boolean {
  const known = entries.flatMap((entry) => {
    const network = networkOf(entry);
    return network === undefined ? [] : [network];
  });
  return (text) => {
    const address = parse(text);
    if (address === undefined) return false;
    return known.some(
      ([base, bits]) => base.kind() === address.kind() && address.match(base, bits),
    );
  };
}

/**
 * Address of the sender. A hop of X-Forwarded-For counts only as far as proxies that we trust vouch for
 * it: from the right, the first that is not trusted. Empty when that one is no address.
 */
export function clientAddress(
  remote: string,
  forwarded: string | undefined,
  isTrusted: (address: string) => boolean,
): string {
  const hops = (forwarded ?? '').split(',').slice(-MAX_HOPS);
  let current = remote;
  while (isTrusted(current)) {
    const hop = hops.pop()?.trim();
    if (hop === undefined || hop === '') break;
    current = hop;
  }
  return parse(current)?.toString() ?? '';
}

/** Bytes of a v6 address that name the network of one subscriber. */
const SUBSCRIBER_BYTES = 8;

/** Who an address stands for when guesses are counted: of v6 the first 64 bits, the rest is free to choose. */
export function guessingNetwork(address: string): string {
  const parsed = parse(address);
  if (parsed === undefined || parsed.kind() === 'ipv4') return address;
  return Buffer.from(parsed.toByteArray().slice(0, SUBSCRIBER_BYTES)).toString('hex');
}
