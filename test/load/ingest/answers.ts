const HEAD_END = Buffer.from('\r\n\r\n');
const STATUS_START = 'HTTP/1.1 '.length;

/**
 * Status codes of the answers in the bytes of one connection. Answers of the measured servers have a
 * content-length; one that comes in pieces is kept until it is whole.
 */
export function answerReader(onAnswer: (status: number) => void): (bytes: Buffer) => void {
  let kept: Buffer | undefined;
  /** Length and status line of an answer that came alone: the next one is mostly like it. */
  let usual = { length: 0, line: '', status: 0 };
  return (bytes) => {
    if (
      kept === undefined &&
      bytes.length === usual.length &&
      bytes.toString('latin1', 0, usual.line.length) === usual.line
    ) {
      onAnswer(usual.status);
      return;
    }
    let rest = kept === undefined ? bytes : Buffer.concat([kept, bytes]);
    kept = undefined;
    while (rest.length > 0) {
      const headEnd = rest.indexOf(HEAD_END);
      const head = rest.toString('latin1', 0, Math.max(0, headEnd));
      const length = headEnd < 0 ? 0 : Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const end = headEnd + HEAD_END.length + length;
      if (headEnd < 0 || rest.length < end) {
        kept = rest;
        return;
      }
      const status = Number(head.slice(STATUS_START, STATUS_START + 3));
      if (rest === bytes && end === rest.length)
        usual = { length: end, line: head.slice(0, STATUS_START + 3), status };
      rest = rest.subarray(end);
      onAnswer(status);
    }
  };
}
