/** What one source may put into quarantine within a minute; a sender that loops must not fill the topic. */
export const quarantineLimits = {
  bodies: 60,
  bytes: 8 * 1024 * 1024,
  windowMs: 60_000,
} as const;

/** Whether a source may keep another body. */
export type QuarantineBudget = (source: string, bytes: number, now: number) => boolean;

interface Window {
  startedAt: number;
  bodies: number;
  bytes: number;
}

/** Fixed windows of a minute per source; as many windows as there are sources. */
export function createQuarantineBudget(): QuarantineBudget {
  const windows = new Map<string, Window>();
  return (source, bytes, now) => {
    let window = windows.get(source);
    if (window === undefined || now - window.startedAt >= quarantineLimits.windowMs) {
      window = { startedAt: now, bodies: 0, bytes: 0 };
      windows.set(source, window);
    }
    const fits =
      window.bodies < quarantineLimits.bodies && window.bytes + bytes <= quarantineLimits.bytes;
    if (fits) {
      window.bodies += 1;
      window.bytes += bytes;
    }
    return fits;
  };
}
