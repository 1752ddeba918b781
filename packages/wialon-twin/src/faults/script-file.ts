import { readFileSync } from 'node:fs';
import { asFields, ControlError } from './fields.ts';
import type { TimedFault } from './timed-faults.ts';

/** Lines, counted from 1, on which the elements of a JSON list begin. The text is valid JSON. */
function linesOfElements(text: string): number[] {
  const lines: number[] = [];
  let [line, depth, isText, isWaiting] = [1, 0, false, false];
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\n') line++;
    if (isText) {
      if (char === '\\') at++;
      else if (char === '"') isText = false;
      continue;
    }
    if (/\s/.test(char)) continue;
    if (isWaiting && char !== ']') lines.push(line);
    isWaiting = (char === '[' && depth === 0) || (char === ',' && depth === 1);
    if (char === '"') isText = true;
    if (char === '[' || char === '{') depth++;
    if (char === ']' || char === '}') depth--;
  }
  return lines;
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ControlError(`${file} is no JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

/**
 * Reads a fault script: a JSON list of orders with `at_s`. What an order says is checked by whoever carries it
 * out; `where` tells its line. Throws ControlError, with the file.
 */
export function readFaultScript(file: string): TimedFault[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new ControlError(`--faults: ${file} cannot be read (${code})`);
  }
  const script = parse(text, file);
  if (!Array.isArray(script)) {
    throw new ControlError(
      `${file} must be a list of orders, such as [{"at_s": 60, "kind": "cut"}]`,
    );
  }
  const lines = linesOfElements(text);
  return script.map((order: unknown, index) => {
    const where = `${file}, line ${lines[index]}`;
    try {
      // Whether `at_s` is there and a number is checked with the rest.
      return { ...asFields(order), where } as unknown as TimedFault;
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      throw new ControlError(`${where}: ${error.message}`);
    }
  });
}
