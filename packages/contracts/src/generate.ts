/** Writes src/generated/types.ts and exports/ from schemas/ and the catalogue: `npm run generate`. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { openApiDocument } from './open-api.ts';
import { webhookCatalogueCsv } from './webhook-catalogue.ts';

const root = new URL('../../../schemas/', import.meta.url);
const target = new URL('./generated/types.ts', import.meta.url);
const openApi = new URL('../exports/openapi.json', import.meta.url);
const catalogue = new URL('../exports/webhook-catalogue.csv', import.meta.url);

type Schema = string | Schema[] | { [key: string]: unknown };

const declared = new Map<string, string>();

function typeOf(schema: Schema): string {
  if (Array.isArray(schema)) return schema.map(typeOf).toReversed().join(' | ');
  if (typeof schema === 'string') {
    switch (schema) {
      case 'null':
      case 'string':
      case 'boolean':
        return schema;
      case 'int':
      case 'long':
      case 'float':
      case 'double':
        return 'number';
      case 'bytes':
        return 'Buffer';
      default:
        return schema.slice(schema.lastIndexOf('.') + 1);
    }
  }
  switch (schema['type']) {
    case 'record':
      return declareRecord(schema);
    case 'enum':
      return declareEnum(schema);
    case 'array':
      return `readonly (${typeOf(schema['items'] as Schema)})[]`;
    case 'map':
      return `Readonly<Record<string, ${typeOf(schema['values'] as Schema)}>>`;
    default:
      return typeOf(schema['type'] as Schema);
  }
}

function declare(name: string, text: string): string {
  const before = declared.get(name);
  if (before !== undefined && before !== text) {
    throw new Error(`two schemas declare different types called ${name}; rename one`);
  }
  declared.set(name, text);
  return name;
}

function declareEnum(schema: { [key: string]: unknown }): string {
  const name = schema['name'] as string;
  const symbols = schema['symbols'] as string[];
  return declare(name, `export type ${name} = ${symbols.map((s) => `'${s}'`).join(' | ')};\n`);
}

function declareRecord(schema: { [key: string]: unknown }): string {
  const name = schema['name'] as string;
  const lines: string[] = [];
  if (typeof schema['doc'] === 'string') lines.push(`/** ${schema['doc']} */`);
  lines.push(`export interface ${name} {`);
  for (const field of schema['fields'] as { [key: string]: unknown }[]) {
    const unit = typeof field['unit'] === 'string' ? ` [${field['unit']}]` : '';
    lines.push(`  /** ${field['doc'] as string}${unit} */`);
    lines.push(`  readonly ${field['name'] as string}: ${typeOf(field['type'] as Schema)};`);
  }
  lines.push('}\n');
  return declare(name, lines.join('\n'));
}

/** `fleet/trip/1.0.avsc` → `fleet/trip/1` and 0. */
function versionOf(file: string): { readonly major: string; readonly minor: number } {
  const [, major = file, minor = '0'] = /^(.*)\.(\d+)\.avsc$/.exec(file) ?? [];
  return { major, minor: Number(minor) };
}

/** The newest minor version of each major: code works with that one and reads the others through it. */
const newest = new Map<string, string>();
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.avsc'))
  .toSorted((a, b) => versionOf(a).minor - versionOf(b).minor);
for (const file of files) newest.set(versionOf(file).major, file);
for (const file of [...newest.values()].toSorted())
  typeOf(JSON.parse(readFileSync(new URL(file, root), 'utf8')) as Schema);
writeFileSync(
  target,
  `// Generated from schemas/ by npm run generate. Do not edit.\n\n${[...declared.values()].join('\n')}`,
);
writeFileSync(openApi, JSON.stringify(openApiDocument(), null, 2));
writeFileSync(catalogue, webhookCatalogueCsv());
const written = [target.pathname, openApi.pathname];
execFileSync('npx', ['prettier', '--ignore-path', '/dev/null', '--write', ...written], {
  stdio: 'inherit',
});
