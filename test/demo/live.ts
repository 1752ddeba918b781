/** Progress for a person: in place on a terminal, a line now and then elsewhere. */
export interface Live {
  /** A line that stays. */
  readonly line: (text: string) => void;
  /** A line that the next one replaces. */
  readonly status: (text: string) => void;
  readonly end: () => void;
}

const EVERY_MS = 5000;

/** Writes to standard error, so that standard output holds results alone. */
export function createLive(stream: NodeJS.WriteStream = process.stderr): Live {
  const started = performance.now();
  const inPlace = stream.isTTY;
  let pending = false;
  let last = 0;
  const clear = (): void => {
    if (pending) stream.write('\r\u001b[K');
    pending = false;
  };
  const seconds = (): string => ((performance.now() - started) / 1000).toFixed(1).padStart(6);
  return {
    line: (text) => {
      clear();
      stream.write(`${seconds()} s  ${text}\n`);
    },
    status: (text) => {
      if (inPlace) {
        clear();
        const width = Math.max(20, stream.columns - 1);
        stream.write(`${seconds()} s  ${text}`.slice(0, width));
        pending = true;
      } else if (performance.now() - last > EVERY_MS) {
        last = performance.now();
        stream.write(`${seconds()} s  ${text}\n`);
      }
    },
    end: clear,
  };
}
