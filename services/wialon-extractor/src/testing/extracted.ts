/** What stands in pages, against what the twin has. */
import type { PageFetched } from '@waybill/contracts';
import { fixId } from '@waybill/domain';

/** A message as a page holds it. */
export interface Extracted {
  readonly unit: string;
  readonly message: unknown;
  /** Wall time of the answer, s. */
  readonly receivedS: number;
  /** A poll showed it. */
  readonly isLive: boolean;
}

/** Every message of every page, in the order of the log. */
export function* messagesOf(pages: readonly PageFetched[]): Generator<Extracted> {
  for (const page of pages) {
    if (page.unusable_reason !== null) continue;
    const receivedS = page.received_time / 1000;
    if (page.call === 'avl_evts') {
      const { events } = JSON.parse(page.body.toString('utf8')) as {
        events: readonly { readonly i: number; readonly t: string; readonly d: unknown }[];
      };
      for (const { i, t, d } of events) {
        if (t === 'm') yield { unit: `wialon:${i}`, message: d, receivedS, isLive: true };
      }
    } else if (page.call === 'messages/get_messages') {
      const messages = JSON.parse(page.body.toString('utf8')) as readonly unknown[];
      const unit = page.unit ?? '';
      for (const message of messages) yield { unit, message, receivedS, isLive: false };
    }
  }
}

interface Fix {
  readonly t: number;
  readonly pos: { readonly x: number; readonly y: number };
}

/** A data message with a position that a client must take. */
export function isFix(message: unknown): message is Fix {
  if (typeof message !== 'object' || message === null) return false;
  const { t, tp, p, pos } = message as Readonly<Record<string, unknown>>;
  if (tp !== 'ud' || typeof t !== 'number' || t < 0) return false;
  if (typeof p !== 'object' || p === null || typeof pos !== 'object' || pos === null) return false;
  const { x, y } = pos as Readonly<Record<string, unknown>>;
  return typeof x === 'number' && typeof y === 'number' && Math.abs(x) <= 180 && Math.abs(y) <= 90;
}

/** The identity that all later services go by; other messages by their text. */
export function identityOf(unit: string, message: unknown): string {
  if (!isFix(message)) return `${unit} ${JSON.stringify(message)}`;
  const { t, pos } = message;
  return fixId({
    tenantId: 'fleet',
    unit,
    eventTime: t * 1000,
    latitude: pos.y,
    longitude: pos.x,
  });
}
