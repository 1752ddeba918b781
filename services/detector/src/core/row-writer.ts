import type { RawAddress } from '@waybill/contracts';
import { ByteWriter } from './bytes.ts';
import type { Fix } from './fix.ts';
import { indexIn, SIGNAL_COUNT, signalsOf } from './fix-signals.ts';
import { ADDRESS, LATENESS, MARK, POSITION, RUN, SIGNALS, type Rows } from './rows.ts';

const scratch = new ByteWriter();

function writeTime(rows: Rows, time: number): number {
  const step = time - rows.time;
  rows.time = time;
  if (step === rows.step) return 0;
  rows.step = step;
  if (step % 1000 !== 0) {
    scratch.varint(step);
    return 2;
  }
  scratch.varint(step / 1000);
  return 1;
}

function writePosition(rows: Rows, { latitude, longitude }: Fix): number {
  if (latitude === undefined || longitude === undefined) {
    const before = rows.isLocated;
    rows.isLocated = false;
    return before ? POSITION.none : POSITION.same;
  }
  const y = Math.round(latitude * 1e7);
  const x = Math.round(longitude * 1e7);
  const north = y - rows.latitude;
  const east = x - rows.longitude;
  if (north === 0 && east === 0 && rows.isLocated) return POSITION.same;
  rows.isLocated = true;
  rows.latitude = y;
  rows.longitude = x;
  const isCoarse = north % 100 === 0 && east % 100 === 0;
  scratch.zigzag(isCoarse ? north / 100 : north);
  scratch.zigzag(isCoarse ? east / 100 : east);
  return isCoarse ? POSITION.coarse : POSITION.fine;
}

function writeLateness(rows: Rows, lateness: number): number {
  const change = lateness - rows.lateness;
  if (change === 0) return 0;
  rows.lateness = lateness;
  const isWhole = change % 1000 === 0;
  const size = isWhole ? change / 1000 : change;
  scratch.varint((size < 0 ? -2 * size - 1 : 2 * size) * 2 + (isWhole ? 0 : 1));
  return LATENESS;
}

function writeAddress(rows: Rows, { topic, partition, offset, index }: RawAddress): number {
  const known = rows.topics.length;
  const at = rows.topics[rows.topic] === topic ? rows.topic : indexIn(rows.topics, topic);
  const offsetStep = offset - rows.offset;
  const indexStep = index - rows.index;
  const isNear = at === rows.topic && partition === rows.partition;
  const isEven = isNear && offsetStep === rows.offsetStep && indexStep === rows.indexStep;
  rows.offset = offset;
  rows.index = index;
  if (isEven) return ADDRESS.same;
  rows.offsetStep = isNear ? offsetStep : 0;
  rows.indexStep = isNear ? indexStep : 0;
  if (isNear) {
    scratch.zigzag(offsetStep);
    scratch.zigzag(indexStep);
    return ADDRESS.step;
  }
  rows.topic = at;
  rows.partition = partition;
  scratch.varint(at);
  if (at === known) scratch.text(topic);
  for (const value of [partition, offset, index]) scratch.zigzag(value);
  return ADDRESS.whole;
}

function writeSignals(rows: Rows, fix: Fix): number {
  const known = rows.drivers.length;
  const before = rows.signals;
  const next = signalsOf(fix, rows.drivers, before);
  if (next === before) return 0;
  let changed = 0;
  for (let i = 0; i < SIGNAL_COUNT; i += 1) if (next[i] !== before[i]) changed |= 1 << i;
  rows.signals = next;
  scratch.varint(changed);
  for (let i = 0; i < SIGNAL_COUNT; i += 1) {
    if ((changed & (1 << i)) !== 0) scratch.zigzag((next[i] ?? 0) - (before[i] ?? 0));
  }
  if (rows.drivers.length > known) scratch.text(rows.drivers[known] ?? '');
  return SIGNALS;
}

/** The header of the next row; what it announces stands in `scratch`. */
function writeHeader(rows: Rows, fix: Fix): number {
  return (
    writeTime(rows, fix.time) |
    (writePosition(rows, fix) << 2) |
    writeLateness(rows, fix.latenessMs) |
    (writeAddress(rows, fix.address) << 5) |
    writeSignals(rows, fix)
  );
}

/** Writes the next fix, of a later second than all before. */
export function writeRow(writer: ByteWriter, rows: Rows, fix: Fix): void {
  const header = writeHeader(rows, fix);
  if (header === 0) rows.runs += 1;
  writer.u8(header);
  writer.raw(scratch);
}

/** Writes fixes of later seconds in order, even ones as a run. */
export function writeRows(writer: ByteWriter, rows: Rows, fixes: readonly Fix[]): void {
  let run = 0;
  for (const fix of fixes) {
    const header = writeHeader(rows, fix);
    if (header === 0) {
      run += 1;
      continue;
    }
    writeRun(writer, run);
    run = 0;
    writer.u8(header);
    writer.raw(scratch);
  }
  writeRun(writer, run);
  if (run > 0) rows.runs += 1;
}

/** Writes so many rows with header 0. */
export function writeRun(writer: ByteWriter, count: number): void {
  if (count === 1) writer.u8(0);
  if (count > 1) {
    writer.u8(RUN);
    writer.varint(count);
  }
}

/** Notes a fix that another one of its second outranked. */
export function writeMark(writer: ByteWriter, second: number, word: number): void {
  writer.u8(MARK);
  writer.varint(second);
  writer.u32(word);
}
