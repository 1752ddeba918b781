import type { RawAddress } from '@waybill/contracts';
import { ByteWriter } from './bytes.ts';
import type { Fix } from './fix.ts';
import { indexIn, SIGNAL_COUNT, signalsOf } from './fix-signals.ts';
import { areAlike } from './stretch.ts';
import { ADDRESS, LATENESS, MARK, POSITION, RUN, SIGNALS, type Rows } from './rows.ts';

const scratch = new ByteWriter();

function writeTime(out: ByteWriter, rows: Rows, time: number): number {
  const step = time - rows.time;
  rows.time = time;
  if (step === rows.step) return 0;
  rows.step = step;
  if (step % 1000 !== 0) {
    out.varint(step);
    return 2;
  }
  out.varint(step / 1000);
  return 1;
}

function writePosition(out: ByteWriter, rows: Rows, { latitude, longitude }: Fix): number {
  const { written } = rows;
  if (written !== undefined && written.latitude === latitude && written.longitude === longitude) {
    return POSITION.same;
  }
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
  out.zigzag(isCoarse ? north / 100 : north);
  out.zigzag(isCoarse ? east / 100 : east);
  return isCoarse ? POSITION.coarse : POSITION.fine;
}

function writeLateness(out: ByteWriter, rows: Rows, lateness: number): number {
  const change = lateness - rows.lateness;
  if (change === 0) return 0;
  rows.lateness = lateness;
  const isWhole = change % 1000 === 0;
  const size = isWhole ? change / 1000 : change;
  out.varint((size < 0 ? -2 * size - 1 : 2 * size) * 2 + (isWhole ? 0 : 1));
  return LATENESS;
}

function writeAddress(
  out: ByteWriter,
  rows: Rows,
  { topic, partition, offset, index }: RawAddress,
): number {
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
    out.zigzag(offsetStep);
    out.zigzag(indexStep);
    return ADDRESS.step;
  }
  rows.topic = at;
  rows.partition = partition;
  out.varint(at);
  if (at === known) out.text(topic);
  for (const value of [partition, offset, index]) out.zigzag(value);
  return ADDRESS.whole;
}

/** Nearly every fix of a vehicle that stands: then nothing has to be made whole. */
function saysTheSame(a: Fix, b: Fix): boolean {
  return areAlike(a, b) && a.courseDeg === b.courseDeg && a.satellites === b.satellites;
}

function writeSignals(out: ByteWriter, rows: Rows, fix: Fix): number {
  const { written } = rows;
  if (written !== undefined && saysTheSame(written, fix)) return 0;
  const known = rows.drivers.length;
  const before = rows.signals;
  const next = signalsOf(fix, rows.drivers, before);
  if (next === before) return 0;
  let changed = 0;
  for (let i = 0; i < SIGNAL_COUNT; i += 1) if (next[i] !== before[i]) changed |= 1 << i;
  rows.signals = next;
  out.varint(changed);
  for (let i = 0; i < SIGNAL_COUNT; i += 1) {
    if ((changed & (1 << i)) !== 0) out.zigzag((next[i] ?? 0) - (before[i] ?? 0));
  }
  if (rows.drivers.length > known) out.text(rows.drivers[known] ?? '');
  return SIGNALS;
}

/** Writes what the header of the next row announces and returns that header. */
function writeBody(out: ByteWriter, rows: Rows, fix: Fix): number {
  const header =
    writeTime(out, rows, fix.time) |
    (writePosition(out, rows, fix) << 2) |
    writeLateness(out, rows, fix.latenessMs) |
    (writeAddress(out, rows, fix.address) << 5) |
    writeSignals(out, rows, fix);
  rows.written = fix;
  return header;
}

/** Writes the next fix, of a later second than all before. */
export function writeRow(writer: ByteWriter, rows: Rows, fix: Fix): void {
  const at = writer.hold();
  const header = writeBody(writer, rows, fix);
  if (header === 0) rows.runs += 1;
  writer.put(at, header);
}

/** Writes fixes of later seconds in order, even ones as a run. */
export function writeRows(writer: ByteWriter, rows: Rows, fixes: readonly Fix[]): void {
  let run = 0;
  for (const fix of fixes) {
    // How long a run is shows behind it.
    const out = run === 0 ? writer : scratch;
    const at = out.hold();
    const header = writeBody(out, rows, fix);
    if (header === 0) {
      out.cut(at);
      run += 1;
      continue;
    }
    out.put(at, header);
    if (run === 0) continue;
    writeRun(writer, run);
    run = 0;
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
