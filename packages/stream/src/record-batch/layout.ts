/**
 * Layout of a record batch, version 2 (Kafka protocol, "Record Batch"); numbers are big-endian.
 *
 * | at | bytes | field                                                              |
 * | -- | ----- | ------------------------------------------------------------------ |
 * | 0  | 8     | base offset                                                        |
 * | 8  | 4     | length of what follows this field                                  |
 * | 12 | 4     | partition leader epoch                                             |
 * | 16 | 1     | magic = 2                                                          |
 * | 17 | 4     | CRC-32C of everything from `attributes` to the end                 |
 * | 21 | 2     | attributes: codec (3 bits), timestamp type, transactional, control |
 * | 23 | 4     | last offset delta                                                  |
 * | 27 | 8     | base timestamp                                                     |
 * | 35 | 8     | maximal timestamp                                                  |
 * | 43 | 8     | producer id                                                        |
 * | 51 | 2     | producer epoch                                                     |
 * | 53 | 4     | base sequence                                                      |
 * | 57 | 4     | number of records                                                  |
 *
 * A record: length, attributes (1 byte), timestamp delta, offset delta, key, value, headers; lengths
 * and deltas are zigzag varints, length −1 = null.
 */
export const at = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
  records: 61,
} as const;

/** Bytes of the fields that `length` does not count. */
export const LENGTH_OVERHEAD = 12;
export const MAGIC = 2;
export const CODEC_MASK = 7;
export const GZIP = 1;
export const ZSTD = 4;
export const TRANSACTIONAL = 16;
export const CONTROL = 32;
