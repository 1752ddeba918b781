import {
  IPS_CONTENT_TYPE,
  IPS_UNIT_HEADER,
  ipsMessages,
  ipsPacket,
  readIpsMessage,
  type IpsMessage,
} from '@waybill/domain';
import { violation } from './json.ts';
import { reject, type RejectionCode, type Verdict } from './transformed.ts';
import type { PushContext, WebhookAdapter } from './webhook-adapter.ts';
import { readMessage } from './wialon-message.ts';

/** By the number with which the protocol refuses a message. */
const CODE_OF_ANSWER: Readonly<Record<number, RejectionCode>> = {
  0: 'TIME_INVALID',
  10: 'POSITION_INVALID',
};

const [POSITION_BIT, INPUTS_BIT, OUTPUTS_BIT] = [1, 2, 4];

/**
 * The message as the Remote API would give it (fact sheet 8.3), so that one reading makes positions and
 * signals of both. A registration time is not sent: the time of receipt takes its place.
 */
function asRemote(message: IpsMessage, receivedTime: number): Readonly<Record<string, unknown>> {
  const { latitude, longitude, inputs, outputs } = message;
  const pos =
    latitude === null
      ? null
      : {
          y: latitude,
          x: longitude,
          z: message.altitudeM,
          s: message.speedKmh,
          c: message.courseDeg,
          sc: message.satellites,
        };
  return {
    t: message.seconds ?? Math.floor(receivedTime / 1000),
    tp: 'ud',
    f:
      (pos === null ? 0 : POSITION_BIT) |
      (inputs === null ? 0 : INPUTS_BIT) |
      (outputs === null ? 0 : OUTPUTS_BIT),
    pos,
    ...(inputs === null ? {} : { i: inputs }),
    ...(outputs === null ? {} : { o: outputs }),
    p: message.parameters,
  };
}

function readPart(text: unknown, { request, address, index, signals }: PushContext): Verdict {
  const unit = request.headers[IPS_UNIT_HEADER];
  if (unit === undefined) {
    return reject('UNIT_UNKNOWN', [violation(IPS_UNIT_HEADER, 'the unit that logged in', unit)]);
  }
  const read = readIpsMessage(String(text));
  if (read.kind === 'malformed') {
    const code = CODE_OF_ANSWER[read.answer] ?? 'MESSAGE_MALFORMED';
    return reject(code, [violation('', read.expected, text)], unit);
  }
  const { tenant_id: tenantId, received_time: receivedTime } = request;
  return readMessage(asRemote(read.message, receivedTime), unit, index, {
    tenantId,
    receivedTime,
    address,
    signals,
  });
}

/** Packets of Wialon IPS 2.0 as `ingest` took them: from a retranslator, or a tracker itself. */
export const ipsAdapter: WebhookAdapter = {
  name: 'wialon/ips',
  version: 1,
  recognises: (body, { content_type: type }) =>
    type === IPS_CONTENT_TYPE && typeof body === 'string',
  within: [],
  parts: (body) => {
    const packet = ipsPacket(Buffer.from(String(body)));
    const texts = packet === undefined ? [String(body)] : ipsMessages(packet);
    return texts.map((text) => ({ key: undefined, value: text, text }));
  },
  read: ({ value }, context) => readPart(value, context),
};
