/** Why a signal that a message should carry is null. */
export type NullReason = 'divided_by_zero' | 'not_a_number' | 'out_of_bounds' | 'unsupported';

/** What an expression reads from; `sensor` gives another sensor's value by name. */
export interface Evaluation {
  /** A parameter or virtual parameter; undefined where the message has none. */
  readonly parameter: (name: string) => unknown;
  readonly sensor: (name: string) => number | null;
  /** Notes why the result is null although the message has what it needs. */
  readonly note: (reason: NullReason) => void;
}

/** The value of an expression for one message; null where it has none. */
export type Expression = (from: Evaluation) => number | null;

/** Compiled expressions; a fleet has few different ones. */
const compiled = new Map<string, Expression>();
const MOST_COMPILED = 10_000;

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|\[([^\]]+)\]|(#?[A-Za-z_][\w.]*(?::[\w]+)?)|(.))/gy;

type Token =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'sensor' | 'name' | 'sign'; readonly text: string };

function tokensOf(text: string): Token[] {
  return [...text.trim().matchAll(TOKEN)].map(([, number, sensor, name, sign]): Token => {
    if (number !== undefined) return { kind: 'number', value: Number(number) };
    if (sensor !== undefined) return { kind: 'sensor', text: sensor };
    return name === undefined ? { kind: 'sign', text: sign ?? '' } : { kind: 'name', text: name };
  });
}

function numeric(value: unknown, from: Evaluation): number | null {
  if (value === undefined || value === null || value === '') return null;
  const read = typeof value === 'boolean' ? Number(value) : Number(value);
  if (Number.isFinite(read)) return read;
  from.note('not_a_number');
  return null;
}

const UNSUPPORTED: Expression = (from) => {
  from.note('unsupported');
  return null;
};

/** `name`, `name:N` (bit N from 1), `constN`. The previous message (`#name`) is not at hand. */
function parameterOf(text: string): Expression {
  if (text.startsWith('#')) return UNSUPPORTED;
  const constant = /^const(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  if (constant !== undefined) return () => Number(constant);
  const [name = '', bit] = text.split(':');
  if (bit === undefined) return (from) => numeric(from.parameter(name), from);
  if (!/^\d{1,2}$/.test(bit)) return UNSUPPORTED;
  return (from) => {
    const value = numeric(from.parameter(name), from);
    return value === null ? null : Math.floor(value / 2 ** (Number(bit) - 1)) % 2;
  };
}

type Operator = (a: number, b: number, from: Evaluation) => number | null;

const operators: Readonly<Record<string, Operator>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '^': (a, b) => a ** b,
  '/': (a, b, from) => {
    if (b !== 0) return a / b;
    from.note('divided_by_zero');
    return null;
  },
};

function joined(left: Expression, right: Expression, operator: Operator): Expression {
  return (from) => {
    const a = left(from);
    const b = a === null ? null : right(from);
    const result = a === null || b === null ? null : operator(a, b, from);
    if (result === null || Number.isFinite(result)) return result;
    from.note('not_a_number');
    return null;
  };
}

/** Loosest first: first valid, sum, product, power. */
const levels: readonly string[] = ['|', '+-', '*/', '^'];

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expression {
    const expression = this.#level(0);
    if (this.#at < this.#tokens.length) throw new SyntaxError('something is left over');
    return expression;
  }

  #sign(of: string): string | undefined {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'sign' || !of.includes(token.text)) return undefined;
    this.#at += 1;
    return token.text;
  }

  #level(index: number): Expression {
    const signs = levels[index];
    if (signs === undefined) return this.#operand();
    let left = this.#level(index + 1);
    for (let sign = this.#sign(signs); sign !== undefined; sign = this.#sign(signs)) {
      const [before, right] = [left, this.#level(index + 1)];
      const operator = operators[sign];
      left =
        operator === undefined
          ? (from) => before(from) ?? right(from)
          : joined(before, right, operator);
    }
    return left;
  }

  #operand(): Expression {
    if (this.#sign('-') !== undefined) {
      const positive = this.#operand();
      return joined(
        () => 0,
        positive,
        (a, b) => a - b,
      );
    }
    if (this.#sign('(') !== undefined) {
      const inner = this.#level(0);
      if (this.#sign(')') === undefined) throw new SyntaxError('a bracket is open');
      return inner;
    }
    const token = this.#tokens[this.#at];
    this.#at += 1;
    if (token?.kind === 'number') return () => token.value;
    if (token?.kind === 'sensor') return (from) => from.sensor(token.text);
    if (token?.kind === 'name') return parameterOf(token.text);
    throw new SyntaxError('an operand is missing');
  }
}

function compile(text: string): Expression {
  try {
    return new Parser(tokensOf(text)).whole();
  } catch {
    return UNSUPPORTED;
  }
}

/**
 * A sensor's expression over message parameters (fact sheet 6.3): `+ - * / ^ ( )`, `|` for the first valid
 * one, `[sensor]`, `param`, `param:N`, `constN`. Total: what cannot be read gives null and is noted.
 */
export function expressionOf(text: string): Expression {
  let expression = compiled.get(text);
  if (expression === undefined) {
    expression = compile(text);
    if (compiled.size >= MOST_COMPILED) compiled.clear();
    compiled.set(text, expression);
  }
  return expression;
}
