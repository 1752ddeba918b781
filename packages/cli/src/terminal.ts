import { styleText } from 'node:util';

/** Where a command writes, and what it knows of its surroundings. */
export interface Terminal {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Colours: a terminal that wants them. */
  readonly colour: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Format = Parameters<typeof styleText>[0];

/** Marks text on terminals with colours; elsewhere it stays plain. */
export type Paint = (format: Format, text: string) => string;

export function painter({ colour }: Pick<Terminal, 'colour'>): Paint {
  return (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text);
}

/** The terminal of this process. NO_COLOR is honoured. */
export function processTerminal(): Terminal {
  const { NO_COLOR: noColour } = process.env;
  return {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    colour: process.stdout.isTTY && (noColour === undefined || noColour === ''),
    env: process.env,
  };
}
