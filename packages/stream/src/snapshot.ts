import { open, mkdir, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { createBuffers, type StagedBuffers } from './buffers.ts';

/**
 * A snapshot of the buffers of one task, as one file:
 *
 * | part | bytes |
 * |---|---|
 * | magic `WBUF`, format version, length of the header | 4, 4, 4 |
 * | header | JSON of SnapshotHead |
 * | per key: length of key, length of value, key (UTF-8), value | 4, 4, n, m |
 * | end mark FFFFFFFF, CRC-32 of all before it | 4, 4 |
 *
 * Numbers are big-endian. The file is written beside its place, synced and renamed: it is there whole or
 * not at all, whatever kills the process.
 */
export interface SnapshotHead {
  readonly layout: number;
  /** See BufferBase. */
  readonly epoch: number;
  /** Next offset to read by input topic: the buffers hold the effect of everything before it. */
  readonly positions: Readonly<Record<string, string>>;
}

/** A read snapshot, or why it cannot be used; undefined = there is none. */
export type ReadSnapshot =
  | { readonly head: SnapshotHead; readonly buffers: StagedBuffers }
  | { readonly problem: string }
  | undefined;

/** Key, bytes in all, and the pieces they stand in. */
export type SnapshotEntries = Iterable<readonly [string, number, readonly Uint8Array[]]>;

const MAGIC = 0x57_42_55_46;
const FORMAT = 1;
const PROLOGUE_BYTES = 12;
const ENTRY_HEAD_BYTES = 8;
const END_MARK = 0xffff_ffff;
const TRAILER_BYTES = 8;
const WRITE_BYTES = 1 << 20;
const READ_BYTES = 4 << 20;
const LEFT_OVER_MS = 10 * 60_000;

function uint32s(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

/** Removes what killed writers of the same snapshot left; a living one is done within minutes. */
async function removeLeftOvers(file: string): Promise<void> {
  const folder = dirname(file);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(file)}.`) || !name.endsWith('.tmp')) continue;
    const path = join(folder, name);
    const age = Date.now() - (await stat(path)).mtimeMs;
    if (age > LEFT_OVER_MS) await rm(path, { force: true });
  }
}

async function writeAll(
  handle: FileHandle,
  head: SnapshotHead,
  entries: SnapshotEntries,
): Promise<void> {
  const header = Buffer.from(JSON.stringify(head));
  let pending: Uint8Array[] = [];
  let size = 0;
  let checksum = 0;
  const flush = async (): Promise<void> => {
    if (pending.length === 0) return;
    const { bytesWritten } = await handle.writev(pending);
    if (bytesWritten !== size) throw new Error(`wrote ${bytesWritten} of ${size} bytes`);
    pending = [];
    size = 0;
  };
  const add = (part: Uint8Array): void => {
    pending.push(part);
    size += part.length;
    checksum = crc32(part, checksum);
  };
  add(uint32s(MAGIC, FORMAT, header.length));
  add(header);
  for (const [key, bytes, pieces] of entries) {
    const name = Buffer.from(key);
    add(uint32s(name.length, bytes));
    add(name);
    for (const piece of pieces) add(piece);
    if (size >= WRITE_BYTES) await flush();
  }
  add(uint32s(END_MARK));
  add(uint32s(checksum));
  await flush();
}

/** Writes a snapshot; the pieces must not change meanwhile. Throws what the file system throws. */
export async function writeSnapshot(
  file: string,
  head: SnapshotHead,
  entries: SnapshotEntries,
): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await removeLeftOvers(file);
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await writeAll(handle, head, entries);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(temporary, { force: true });
    throw error;
  }
  await handle.close();
  await rename(temporary, file);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

class Damaged extends Error {}

/** Reads forward; `need` makes that many bytes available at `at` or throws Damaged. */
interface Window {
  bytes: Buffer;
  at: number;
  readonly need: (count: number) => Promise<void>;
}

function openWindow(handle: FileHandle, fileBytes: number): Window {
  let read = 0;
  const window: Window = {
    bytes: Buffer.alloc(0),
    at: 0,
    need: async (count) => {
      const rest = window.bytes.subarray(window.at);
      if (rest.length >= count) return;
      const wanted = Math.min(fileBytes - read, Math.max(READ_BYTES, count - rest.length));
      if (rest.length + wanted < count) throw new Damaged('it ends too early');
      const next = Buffer.allocUnsafe(rest.length + wanted);
      next.set(rest);
      for (let filled = rest.length; filled < next.length;) {
        const { bytesRead } = await handle.read(next, filled, next.length - filled, read);
        if (bytesRead === 0) throw new Damaged('it ends too early');
        filled += bytesRead;
        read += bytesRead;
      }
      window.bytes = next;
      window.at = 0;
    },
  };
  return window;
}

/** Takes `count` bytes that are available. */
function take(window: Window, count: number): Buffer {
  const start = window.at;
  window.at += count;
  return window.bytes.subarray(start, window.at);
}

function headOf(bytes: Buffer): SnapshotHead {
  const head = JSON.parse(bytes.toString()) as Partial<SnapshotHead>;
  const { layout, epoch, positions } = head;
  if (typeof layout !== 'number' || typeof epoch !== 'number' || typeof positions !== 'object') {
    throw new Damaged('its header lacks fields');
  }
  return { layout, epoch, positions };
}

async function readAll(handle: FileHandle): Promise<ReadSnapshot> {
  const window = openWindow(handle, (await handle.stat()).size);
  let checksum = 0;
  const checked = (count: number): Buffer => {
    const part = take(window, count);
    checksum = crc32(part, checksum);
    return part;
  };
  await window.need(PROLOGUE_BYTES);
  const prologue = checked(PROLOGUE_BYTES);
  if (prologue.readUInt32BE(0) !== MAGIC) throw new Damaged('it is no snapshot');
  const format = prologue.readUInt32BE(4);
  if (format !== FORMAT) return { problem: `format ${format} instead of ${FORMAT}` };
  await window.need(prologue.readUInt32BE(8));
  const header = checked(prologue.readUInt32BE(8));
  const buffers = createBuffers();
  for (;;) {
    await window.need(ENTRY_HEAD_BYTES);
    const keyBytes = window.bytes.readUInt32BE(window.at);
    if (keyBytes === END_MARK) break;
    const valueBytes = window.bytes.readUInt32BE(window.at + 4);
    checked(ENTRY_HEAD_BYTES);
    await window.need(keyBytes + valueBytes);
    const key = checked(keyBytes).toString();
    buffers.restore(key, checked(valueBytes));
  }
  checked(TRAILER_BYTES / 2);
  const expected = take(window, TRAILER_BYTES / 2).readUInt32BE(0);
  if (checksum !== expected) throw new Damaged('its checksum does not fit');
  return { head: headOf(header), buffers };
}

/** Reads a snapshot whole; what is wrong with it comes back as `problem`. */
export async function readSnapshot(file: string): Promise<ReadSnapshot> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : { problem: `it cannot be opened (${code})` };
  }
  try {
    return await readAll(handle);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { problem: `it is damaged: ${text}` };
  } finally {
    await handle.close();
  }
}
