export { bodyHash, hashId, shortHash } from './hash.ts';
export {
  fixId,
  fixPlace,
  pointId,
  signalId,
  taskKey,
  unitOf,
  type FixIdentity,
} from './identity.ts';
export { distanceM, type Coordinate } from './geo.ts';
export {
  businessDate,
  businessDayOf,
  localTime,
  parseInstant,
  zoneOffsetMs,
  type BusinessDay,
} from './time.ts';
export { dayOf, instantOf } from './json-time.ts';
export { REREAD_MARGIN_MS } from './reread.ts';
export { round } from './round.ts';
export { jsonMember, jsonSpans, type JsonSpan } from './json-spans.ts';
export {
  IPS_CONTENT_TYPE,
  IPS_DEVICE_HEADER,
  IPS_UNIT_HEADER,
  ipsMessages,
  ipsPacket,
  readIpsMessage,
  type IpsMessage,
  type IpsPacket,
  type IpsRead,
} from './wialon-ips.ts';
