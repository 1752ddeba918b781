import { Fault } from '@waybill/fault';

/** The brokers did not confirm in time. */
export function late(timeoutMs: number): Fault {
  return new Fault(`expected the brokers to confirm within ${timeoutMs} ms, they did not`, {
    kind: 'transient',
    code: 'LOG_TIMEOUT',
    stage: 'publish',
  });
}

/** Waits `leftMs` for a send; `timeoutMs` is what its Fault `LOG_TIMEOUT` says. */
export async function within(
  sent: Promise<void>,
  leftMs: number,
  timeoutMs: number,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late(timeoutMs)), leftMs);
  });
  try {
    await Promise.race([sent, over]);
  } finally {
    clearTimeout(timer);
  }
}
