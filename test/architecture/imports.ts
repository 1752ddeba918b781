import { posix } from 'node:path';

/** A file and its text. */
export interface Source {
  /** Path from the root of the repository, with slashes. */
  readonly file: string;
  readonly text: string;
}

/** What a project may import. */
export interface Rule {
  /** Names of our packages; `*` = any. */
  readonly ours: readonly string[] | '*';
  readonly theirs: readonly string[];
  /** False where `node:` modules are forbidden too. */
  readonly node?: boolean;
  /** True where services may be imported (scenario tests). */
  readonly services?: boolean;
  /** True where testkit may be imported: in tests and what only they use. */
  readonly tests?: boolean;
}

const services = new Set([
  'ingest',
  'wialon-extractor',
  'transformer',
  'detector',
  'erp-sink',
  'reconciler',
  'console',
]);

/** All module specifiers that a source names: import, export from, dynamic import. */
export function importsOf({ text }: Source): string[] {
  const found: string[] = [];
  for (const line of text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  )) {
    const specifier = line[1] ?? line[2] ?? line[3];
    if (specifier !== undefined) found.push(specifier);
  }
  return found;
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

/** One line that names the offending import, or undefined when it is allowed. */
export function violationOf(source: Source, specifier: string, rule: Rule): string | undefined {
  const { file } = source;
  if (specifier.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(file), specifier));
    const project = file.split('/').slice(0, 2).join('/');
    const inside = target.startsWith(`${project}/`);
    const scenario = rule.services === true && target.startsWith('test/');
    return inside || scenario ? undefined : `${file}: ${specifier} reaches out of its project`;
  }
  if (specifier.startsWith('node:')) {
    return rule.node === false ? `${file} may not import ${specifier}: core is pure` : undefined;
  }
  if (specifier.startsWith('@waybill/')) {
    const name = specifier.slice('@waybill/'.length);
    if (name.includes('/')) return `${file}: ${specifier} is a deep import`;
    const self = file.split('/')[1];
    if (services.has(name)) return `${file}: ${specifier}: services never import each other`;
    if (name === 'testkit' && self !== name && rule.tests !== true) {
      return `${file}: ${specifier} is for tests only`;
    }
    const allowed = name === self || rule.ours === '*' || rule.ours.includes(name);
    return allowed ? undefined : `${file} may not import ${specifier}`;
  }
  return rule.theirs.includes(packageOf(specifier))
    ? undefined
    : `${file} may not import ${specifier}`;
}
