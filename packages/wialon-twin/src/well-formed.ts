/** A data message as the provider documents it. */
export interface DataMessage {
  readonly t: number;
  readonly f?: unknown;
  readonly pos?: { readonly x: number; readonly y: number } | null;
}

/** Whether a served value is a data message that a client must take; the rest is malformed. */
export function isWellFormed(value: unknown): value is DataMessage {
  if (typeof value !== 'object' || value === null) return false;
  const { t, tp, p, pos } = value as Readonly<Record<string, unknown>>;
  if (tp !== 'ud' || typeof t !== 'number' || t < 0) return false;
  if (p !== undefined && (typeof p !== 'object' || p === null)) return false;
  if (pos === undefined || pos === null) return true;
  const { x, y } = pos as Readonly<Record<string, unknown>>;
  if (typeof x !== 'number' || typeof y !== 'number') return false;
  return Math.abs(x) <= 180 && Math.abs(y) <= 90;
}

/** Time and position to 1e-5 degree: what makes two messages the same fix. Undefined without position. */
export function placeOf({ t, pos }: DataMessage): string | undefined {
  return pos === undefined || pos === null
    ? undefined
    : `${t}/${Math.round(pos.y * 1e5)}/${Math.round(pos.x * 1e5)}`;
}
