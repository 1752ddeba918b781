import { deliverableFields, type FieldKind } from './deliverable-fields.ts';
import { choose } from './model-problems.ts';
import type { ErpMapping } from './model.ts';
import type { ModelPath, ModelProblem } from './problem.ts';
import { repeated } from './repeated.ts';

type Columns = ErpMapping['columns'];
type Expression = Columns[string];

/** Longest name that PostgreSQL keeps. */
const IDENTIFIER_BYTES = 63;

const kindsOf: Readonly<Record<Expression['as'], readonly FieldKind[]>> = {
  text: ['text', 'number', 'boolean', 'instant', 'date'],
  number: ['number'],
  boolean: ['boolean'],
  timestamp: ['instant'],
  local_timestamp: ['instant'],
  date: ['date', 'instant'],
};

function expressionProblems(
  expression: Expression,
  fields: Readonly<Record<string, FieldKind>>,
  path: ModelPath,
): ModelProblem[] {
  const { from, as, values, multiply, decimals } = expression;
  const kind = fields[from];
  if (kind === undefined) {
    return [
      {
        path: [...path, 'from'],
        what: `there is no field "${from}" to deliver`,
        fix: choose(from, Object.keys(fields)),
      },
    ];
  }
  const problems: ModelProblem[] = [];
  if (values === undefined && !kindsOf[as].includes(kind)) {
    problems.push({
      path: [...path, 'as'],
      what: `${from} is ${kind} and cannot be stored as ${as}`,
      fix: 'choose another as, or translate with values',
    });
  }
  if ((multiply !== undefined || decimals !== undefined) && kind !== 'number') {
    problems.push({
      path,
      what: `multiply and decimals need a number, and ${from} is ${kind}`,
      fix: 'remove them',
    });
  }
  return problems;
}

function identifierProblems(name: string, path: ModelPath, parts: number): ModelProblem[] {
  const segments = name.split('.');
  const fits = segments.every(
    (part) =>
      part !== '' && Buffer.byteLength(part) <= IDENTIFIER_BYTES && !/["\p{Cc}]/u.test(part),
  );
  if (fits && segments.length <= parts) return [];
  const what = parts === 1 ? 'a column' : 'a table, or schema.table';
  return [
    {
      path,
      what: `expected the name of ${what} of at most ${IDENTIFIER_BYTES} bytes without quotes`,
      fix: 'write the name as the ERP database has it',
    },
  ];
}

/** Columns are set once: by the key, the columns, the triple or the mark of withdrawal. */
function columnProblems(mapping: ErpMapping, at: ModelPath): ModelProblem[] {
  const places: [string, ModelPath][] = [
    ...Object.keys(mapping.key).map((c): [string, ModelPath] => [c, ['key', c]]),
    ...Object.keys(mapping.columns).map((c): [string, ModelPath] => [c, ['columns', c]]),
    ...Object.entries(mapping.triple).map(([k, c]): [string, ModelPath] => [c, ['triple', k]]),
  ];
  if (mapping.retracted !== undefined) places.push([mapping.retracted, ['retracted']]);
  const problems = places.flatMap(([column, path]) =>
    identifierProblems(column, [...at, ...path], 1),
  );
  for (const [index, before] of repeated(places, ([column]) => column)) {
    const [column, path] = places[index] ?? ['', []];
    problems.push({
      path: [...at, ...path],
      what: `column ${column} is written twice, also by ${places[before]?.[1].map(String).join('.')}`,
      fix: 'write each column once',
    });
  }
  const keys = Object.values(mapping.key);
  if (keys.length !== 1 || keys[0]?.from !== 'entity_id') {
    problems.push({
      path: [...at, 'key'],
      what: 'expected one key column, from entity_id',
      fix: 'name the column that identifies the row',
    });
  }
  return problems;
}

/** What an adapter could not carry out, in one mapping. */
export function mappingProblems(mapping: ErpMapping, index: number): ModelProblem[] {
  const at: ModelPath = ['mappings', index];
  const fields = deliverableFields[mapping.entity];
  const problems = [
    ...identifierProblems(mapping.table, [...at, 'table'], 2),
    ...columnProblems(mapping, at),
  ];
  for (const part of ['key', 'columns'] as const) {
    for (const [column, expression] of Object.entries(mapping[part])) {
      problems.push(...expressionProblems(expression, fields, [...at, part, column]));
    }
  }
  const { amendment, period } = mapping;
  if (period && !amendment) {
    problems.push({
      path: [...at, 'period'],
      what: 'a period needs a place for corrections of closed days, and amendment is missing',
      fix: 'add amendment (table, key, columns)',
    });
  }
  if (period) problems.push(...identifierProblems(period.table, [...at, 'period', 'table'], 2));
  if (amendment) problems.push(...amendmentProblems(mapping, amendment, [...at, 'amendment']));
  return problems;
}

/** Fields without which an amendment could not be found again, dated or ordered. */
const AMENDMENT_NEEDS = [
  'entity_id',
  'kind',
  'original_business_date',
  'booked_business_date',
  'revision',
  'activation',
  'resolution',
];
/** Fields of which an amendment holds the difference. */
const DIFFERENCES = ['distance_km', 'duration_s', 'dwell_s', 'moving_s', 'volume_l'];

function expressionOf(columns: Columns, field: string): Expression | undefined {
  return Object.values(columns).find(({ from }) => from === field);
}

function amendmentProblems(
  mapping: ErpMapping,
  amendment: NonNullable<ErpMapping['amendment']>,
  at: ModelPath,
): ModelProblem[] {
  const problems = identifierProblems(amendment.table, [...at, 'table'], 2);
  problems.push(...identifierProblems(amendment.key, [...at, 'key'], 1));
  for (const [column, expression] of Object.entries(amendment.columns)) {
    const path = [...at, 'columns', column];
    problems.push(...identifierProblems(column, path, 1));
    problems.push(...expressionProblems(expression, deliverableFields.amendment, path));
  }
  const lacking = (columns: Columns, fields: readonly string[], path: ModelPath): void => {
    for (const field of fields) {
      if (expressionOf(columns, field)) continue;
      problems.push({
        path,
        what: `amendments need a column from ${field}, and there is none`,
        fix: `add a column with from: ${field}`,
      });
    }
  };
  lacking(amendment.columns, AMENDMENT_NEEDS, [...at, 'columns']);
  // What a row is about; another one is another record.
  const subject = mapping.entity === 'shift' ? 'driver_id' : 'vehicle_id';
  lacking(mapping.columns, ['business_date', subject], [...at.slice(0, -1), 'columns']);
  lacking(amendment.columns, [subject], [...at, 'columns']);
  for (const field of DIFFERENCES) {
    const row = expressionOf(mapping.columns, field);
    const difference = expressionOf(amendment.columns, field);
    const alike = row?.multiply === difference?.multiply && row?.decimals === difference?.decimals;
    if ((row === undefined) === (difference === undefined) && alike) continue;
    problems.push({
      path: [...at, 'columns'],
      what: `${field} stands otherwise in the row than in its amendments, so they have no sum`,
      fix: 'map it in both with the same multiply and decimals, or in neither',
    });
  }
  return problems;
}
