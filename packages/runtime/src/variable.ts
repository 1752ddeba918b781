import { z } from 'zod';

interface Words {
  readonly meaning: string;
  readonly unit?: string;
}

interface Bounds extends Words {
  readonly minimum: number;
  readonly maximum: number;
}

function described<T extends z.ZodType>(schema: T, words: Words): T {
  return schema.meta({ description: words.meaning, unit: words.unit ?? '' });
}

function numeric(bounds: Bounds, whole: boolean): z.ZodType<number, string> {
  const { minimum, maximum } = bounds;
  const kind = whole ? 'an integer' : 'a number';
  return z.string().transform((text, context) => {
    const value = Number(text);
    const fits = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (fits && text.trim() !== '' && value >= minimum && value <= maximum) return value;
    context.addIssue({ code: 'custom', message: `expected ${kind} from ${minimum} to ${maximum}` });
    return z.NEVER;
  });
}

/** A variable's default is given as the text one would set; '' for an empty text. */
function withDefault<T>(
  schema: z.ZodType<T, string>,
  text: string | undefined,
  words: Words,
): z.ZodType<T, string | undefined> {
  // Without a default zod refuses `undefined` by itself, which defineConfig reports as missing.
  const result: z.ZodType<T, string | undefined> =
    text === undefined ? schema : schema.prefault(text);
  return described(result, words);
}

/** How the text of an environment variable becomes a value. `byDefault` makes a variable optional. */
export const variable = {
  text: (words: Words, byDefault?: string): z.ZodType<string, string | undefined> =>
    withDefault(z.string(), byDefault, words),

  optionalText: (words: Words): z.ZodType<string | undefined, string | undefined> =>
    described(z.string().optional(), words),

  integer: (bounds: Bounds, byDefault?: number): z.ZodType<number, string | undefined> =>
    withDefault(numeric(bounds, true), byDefault?.toString(), bounds),

  optionalInteger: (bounds: Bounds): z.ZodType<number | undefined, string | undefined> =>
    described(numeric(bounds, true).optional(), bounds),

  number: (bounds: Bounds, byDefault?: number): z.ZodType<number, string | undefined> =>
    withDefault(numeric(bounds, false), byDefault?.toString(), bounds),

  /** `true` or `false`. */
  flag: (words: Words, byDefault?: boolean): z.ZodType<boolean, string | undefined> =>
    withDefault(
      z.enum(['true', 'false'], 'expected true or false').transform((text) => text === 'true'),
      byDefault?.toString(),
      words,
    ),

  /** Comma-separated, at least one element. */
  list: (words: Words, byDefault?: string): z.ZodType<readonly string[], string | undefined> =>
    withDefault(
      z.string().transform((text, context): readonly string[] => {
        const elements = text.split(',').map((element) => element.trim());
        if (elements.every((element) => element !== '')) return elements;
        context.addIssue({ code: 'custom', message: 'expected values separated by commas' });
        return z.NEVER;
      }),
      byDefault,
      words,
    ),

  oneOf: <const V extends readonly [string, ...string[]]>(
    values: V,
    words: Words,
    byDefault?: V[number],
  ): z.ZodType<V[number], string | undefined> =>
    withDefault(
      z.enum(values, `expected one of ${values.join(', ')}`) as unknown as z.ZodType<
        V[number],
        string
      >,
      byDefault,
      words,
    ),

  /** An absolute http(s) address. */
  address: (words: Words, byDefault?: string): z.ZodType<string, string | undefined> =>
    withDefault(
      z.string().refine(isHttpAddress, 'expected an http:// or https:// address'),
      byDefault,
      words,
    ),

  /** A postgres:// address or a `secret://` reference to one; resolve it with `resolveSetting`. */
  database: (words: Words, byDefault?: string): z.ZodType<string, string | undefined> =>
    withDefault(
      z
        .string()
        .regex(
          /^(?:postgres(?:ql)?:\/\/|secret:\/\/)/,
          'expected a postgres:// address or a secret:// reference',
        ),
      byDefault,
      words,
    ),
} as const;

function isHttpAddress(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}
