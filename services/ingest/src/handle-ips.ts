import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { inflateSync } from 'node:zlib';
import type { WebhookReceived } from '@waybill/contracts';
import {
  hashId,
  IPS_CONTENT_TYPE,
  IPS_DEVICE_HEADER,
  IPS_UNIT_HEADER,
  ipsPacket,
  type IpsPacket,
} from '@waybill/domain';
import type { Admission, Hold } from './adapters/admission.ts';
import { LINE_BYTES_MAX, type IpsFrame } from './adapters/ips-frames.ts';
import type { IpsConversation, IpsReply } from './adapters/ips-server.ts';
import type { IpsIdentity, IpsLoginCheck } from './check-ips-login.ts';
import {
  ipsLogin,
  ipsRefusal,
  ipsVerdict,
  isIpsData,
  type IpsDataType,
} from './core/ips-verdict.ts';
import type { IpsMetrics } from './ips-metrics.ts';
import type { Logger, Quarantine, RawLog } from './ports.ts';
import type { Throttle } from './throttle-requests.ts';

/** How often a packet asks again for room in memory, or for its share of the limit. */
const ROOM_WAIT_MS = 100;
/** So often, 30 s; then its connection is closed: a tracker that hears nothing for longer gives up anyway. */
const ROOM_TRIES = 300;

export interface IpsPorts {
  readonly logins: IpsLoginCheck;
  readonly raw: RawLog;
  readonly quarantine: Quarantine;
  readonly throttle: Throttle;
  readonly admission: Pick<Admission, 'enter'>;
  readonly metrics: IpsMetrics;
  readonly logger: Logger;
  /** Nothing more is to be waited for. */
  readonly isStopping: () => boolean;
  /** Wall time, ms since epoch. */
  readonly now: () => number;
}

/** Key of the record: a packet that is sent again after a lost answer has the same. */
function recordOf(identity: IpsIdentity, line: Buffer, receivedTime: number): WebhookReceived {
  const { tenantId, sourceId, device, unit, keyId } = identity;
  const sha256 = hash('sha256', line, 'hex');
  return {
    tenant_id: tenantId,
    source_id: sourceId,
    request_id: hashId('ips', tenantId, sourceId, device, sha256),
    received_time: receivedTime,
    // A password says who speaks; nothing vouches for the bytes.
    verdict: 'UNSIGNED',
    key_id: keyId,
    idempotency_key: null,
    content_type: IPS_CONTENT_TYPE,
    headers: { [IPS_DEVICE_HEADER]: device, [IPS_UNIT_HEADER]: unit },
    body_sha256: sha256,
    body: line,
  };
}

/** The line in a compressed packet; undefined when there is not exactly one within the limit. */
function unpacked(data: Buffer): Buffer | undefined {
  try {
    const text = inflateSync(data, { maxOutputLength: LINE_BYTES_MAX });
    const [end = ''] = /\r?\n$/.exec(text.toString('latin1', text.length - 2)) ?? [];
    const line = text.subarray(0, text.length - end.length);
    return line.includes('\n') ? undefined : line;
  } catch {
    // Not of zlib, cut off, or above the limit.
    return undefined;
  }
}

/**
 * The conversation of one connection: *stranger* → (`L` accepted) *unit* → packets, each answered when its
 * record stands in the log with all replicas. Whoever is refused, and whoever the log cannot serve, is
 * disconnected: trackers and retranslators keep what was not answered and come again.
 */
export function createIpsConversation(remoteAddress: string, ports: IpsPorts): IpsConversation {
  const { metrics, logger, now } = ports;
  let identity: IpsIdentity | undefined;

  async function login(packet: IpsPacket): Promise<IpsReply> {
    const said = ipsLogin(packet);
    if (typeof said === 'string') {
      metrics.login(said);
      return { answer: said === 'corrupt' ? '#AL#10' : '#AL#0', close: 'refused' };
    }
    const checked = await ports.logins.check(said, remoteAddress, now());
    metrics.login(checked.kind === 'accepted' ? 'accepted' : checked.reason);
    if (checked.kind === 'accepted') {
      identity = checked.identity;
      return { answer: '#AL#1' };
    }
    const { kind, reason } = checked;
    // The device id is no secret, but whoever guesses may write anything into it.
    const device = said.device.slice(0, 32);
    logger.warn({ reason, device, client_address: remoteAddress }, 'ips.login_refused');
    if (kind === 'unavailable') return { close: 'unavailable' };
    return { answer: reason === 'password_wrong' ? '#AL#01' : '#AL#0', close: 'refused' };
  }

  /** Whether the limits leave a token for one more packet. */
  function mayPass(who: IpsIdentity): boolean {
    return ports.throttle(who, who.source, now())?.allowed ?? true;
  }

  /** A token of the limits and a place in memory; the socket is paused meanwhile. Undefined: in vain. */
  async function admitted(who: IpsIdentity, bytes: number): Promise<Hold | undefined> {
    let hasToken = mayPass(who);
    for (let attempt = 0; attempt < ROOM_TRIES && !ports.isStopping(); attempt += 1) {
      const place = hasToken ? ports.admission.enter(bytes) : undefined;
      if (place !== undefined && !('code' in place)) return place;
      await delay(ROOM_WAIT_MS);
      hasToken ||= mayPass(who);
    }
    return undefined;
  }

  async function quarantined(who: IpsIdentity, expected: string, body: Buffer): Promise<void> {
    const violations = [{ path: '', message: `expected ${expected}` }];
    await ports.quarantine.keep({ ...who, code: 'BODY_MALFORMED', violations, body });
  }

  /** Nothing stands in the log: the sender has to come again. */
  function failed(who: IpsIdentity, type: string, error: unknown): IpsReply {
    const { tenantId: tenant_id, sourceId: source_id, unit } = who;
    logger.warn({ tenant_id, source_id, unit, type, err: error }, 'ips.packet_failed');
    metrics.packet(type, 'failed');
    return { close: 'unavailable' };
  }

  async function data(
    who: IpsIdentity,
    packet: IpsPacket,
    type: IpsDataType,
    line: Buffer,
  ): Promise<IpsReply> {
    const verdict = ipsVerdict(packet, type);
    const { answer } = verdict;
    if (verdict.kind === 'corrupt') {
      metrics.packet(type, 'corrupt');
      return { answer };
    }
    const hold = await admitted(who, line.length);
    if (hold === undefined) return { close: 'overloaded' };
    try {
      if (verdict.kind === 'reject') {
        await quarantined(who, verdict.expected, line);
        metrics.packet(type, 'rejected');
        return { answer };
      }
      await ports.raw.append(recordOf(who, line, now()), undefined);
      metrics.packet(type, 'kept');
      metrics.messages(verdict.messages);
      return { answer };
    } catch (error) {
      return failed(who, type, error);
    } finally {
      hold.release();
    }
  }

  /** A compressed packet that does not open: its bytes are kept, and no answer fits it. */
  async function unreadable(who: IpsIdentity, bytes: Buffer): Promise<IpsReply> {
    const hold = await admitted(who, bytes.length);
    if (hold === undefined) return { close: 'overloaded' };
    try {
      await quarantined(who, `zlib data of one packet of at most ${LINE_BYTES_MAX} bytes`, bytes);
      metrics.packet('compressed', 'rejected');
      return { close: 'no_packet' };
    } catch (error) {
      return failed(who, 'compressed', error);
    } finally {
      hold.release();
    }
  }

  async function receive({ bytes, isPacked }: IpsFrame): Promise<IpsReply> {
    const line = isPacked ? unpacked(bytes) : bytes;
    if (line === undefined) {
      return identity === undefined ? { close: 'no_packet' } : unreadable(identity, bytes);
    }
    // A line end behind a compressed packet, which needs none.
    if (line.length === 0) return {};
    const packet = ipsPacket(line);
    if (packet === undefined) return { close: 'no_packet' };
    const { type } = packet;
    if (type === 'P') return { answer: '#AP#' };
    if (identity === undefined) return type === 'L' ? login(packet) : { close: 'refused' };
    // A file applied since the login, or a device that was moved, ends the connection.
    if (!ports.logins.stillHolds(identity)) return { close: 'withdrawn' };
    if (isIpsData(type)) return data(identity, packet, type, line);
    metrics.packet('other', 'unsupported');
    const { answer, isLost } = ipsRefusal(packet);
    return { ...(answer !== undefined && { answer }), ...(isLost && { close: 'unsupported' }) };
  }

  return { receive, isLoggedIn: () => identity !== undefined };
}
