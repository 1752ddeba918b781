import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { crossChecks } from './cross-checks.ts';
import { idMapColumns, readIdMap, type IdMapEntry } from './id-map.ts';
import { schemaProblems } from './model-problems.ts';
import { erpMapping, tenantModel, type TenantModel } from './model.ts';
import { pathText, tenantInvalid, type ModelProblem, type TenantProblem } from './problem.ts';
import { readCsv, type CsvRow } from './read-csv.ts';
import { readYaml, type YamlFile } from './read-yaml.ts';

/** A tenant's folder, checked. */
export interface LoadedTenant {
  readonly model: TenantModel;
  /** First load of the id map; afterwards `console` owns it. */
  readonly idmap: readonly IdMapEntry[];
}

const settings = tenantModel.omit({ ownership: true, mappings: true });
const rule = tenantModel.shape.ownership.element;

interface Read {
  readonly dir: string;
  readonly problems: TenantProblem[];
}

async function readText({ dir, problems }: Read, file: string): Promise<string | undefined> {
  try {
    return await readFile(join(dir, file), 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    const what = code === 'ENOENT' ? 'the file is missing' : `cannot be read (${code})`;
    const fix = file.endsWith('.csv') ? 'add it, with a header line at least' : 'add it';
    problems.push({ file, line: undefined, path: '', what, fix });
    return undefined;
  }
}

function place(file: string, yaml: YamlFile, found: readonly ModelProblem[]): TenantProblem[] {
  return found.map(({ path, what, fix }) => ({
    file,
    line: yaml.lineOf(path),
    path: pathText(path),
    what,
    fix,
  }));
}

async function readSettings(read: Read): Promise<YamlFile | undefined> {
  const text = await readText(read, 'tenant.yaml');
  return text === undefined ? undefined : readYaml(text, 'tenant.yaml', read.problems);
}

async function readRules(read: Read): Promise<readonly CsvRow[]> {
  const text = await readText(read, 'ownership.csv');
  if (text === undefined) return [];
  const required = ['entity', 'field', 'owner', 'cadence', 'conflict_rule'];
  const rows = readCsv(text, 'ownership.csv', { required, optional: ['tolerance'] }, read.problems);
  return rows.filter((row) => {
    const parsed = rule.safeParse(row.cells);
    if (parsed.success) return true;
    for (const { path, what, fix } of schemaProblems(rule, row.cells, parsed.error.issues)) {
      read.problems.push({
        file: 'ownership.csv',
        line: row.line,
        path: pathText(path),
        what,
        fix,
      });
    }
    return false;
  });
}

interface MappingFile {
  readonly file: string;
  readonly yaml: YamlFile;
}

function checkMappingFile({ file, yaml }: MappingFile, problems: TenantProblem[]): boolean {
  const parsed = erpMapping.safeParse(yaml.value);
  if (!parsed.success) {
    problems.push(
      ...place(file, yaml, schemaProblems(erpMapping, yaml.value, parsed.error.issues)),
    );
    return false;
  }
  const { entity } = parsed.data;
  if (entityOf(file) === entity) return true;
  problems.push({
    file,
    line: yaml.lineOf(['entity']),
    path: 'entity',
    what: `the file is named otherwise than its entity ${entity}`,
    fix: `rename it to erp/${entity}.yaml, or correct entity`,
  });
  return true;
}

interface Mappings {
  readonly files: readonly MappingFile[];
  /** Entities whose file is there but cannot be used: their absence is no further problem. */
  readonly broken: ReadonlySet<string>;
}

function entityOf(file: string): string {
  return file.replace(/^erp\/|\.ya?ml$/g, '').replaceAll('-', '_');
}

async function readMappings(read: Read): Promise<Mappings> {
  const names = await readdir(join(read.dir, 'erp')).catch(() => []);
  const files: MappingFile[] = [];
  const broken = new Set<string>();
  for (const name of names.filter((name) => /\.ya?ml$/.test(name)).sort()) {
    const file = `erp/${name}`;
    const text = await readText(read, file);
    const yaml = text === undefined ? undefined : readYaml(text, file, read.problems);
    if (yaml && checkMappingFile({ file, yaml }, read.problems)) files.push({ file, yaml });
    else broken.add(entityOf(file));
  }
  return { files, broken };
}

/** Where a problem of the whole model stands in the files. */
function locate(
  { path, what, fix }: ModelProblem,
  files: { tenant: YamlFile; rules: readonly CsvRow[]; mappings: readonly MappingFile[] },
): TenantProblem {
  const [part, index, ...rest] = path;
  if (part === 'mappings') {
    const mapping = files.mappings[Number(index)];
    if (mapping) {
      const line = mapping.yaml.lineOf(rest);
      return { file: mapping.file, line, path: pathText(rest), what, fix };
    }
  }
  if (part === 'ownership') {
    const line = files.rules[Number(index)]?.line;
    return { file: 'ownership.csv', line, path: pathText(rest), what, fix };
  }
  const line = files.tenant.lineOf(path);
  return { file: 'tenant.yaml', line, path: pathText(path), what, fix };
}

/**
 * Reads and checks a tenant's folder: tenant.yaml, ownership.csv, erp/*.yaml, idmap.csv. Throws one
 * Fault `misconfigured` / `TENANT_INVALID` with every problem: file, line, what, what to do.
 */
export async function loadTenant(dir: string): Promise<LoadedTenant> {
  const problems: TenantProblem[] = [];
  const read: Read = { dir, problems };
  const tenant = await readSettings(read);
  const rules = await readRules(read);
  const { files: mappings, broken } = await readMappings(read);
  const idText = await readText(read, 'idmap.csv');
  const idRows =
    idText === undefined ? [] : readCsv(idText, 'idmap.csv', { required: idMapColumns }, problems);
  const idmap = readIdMap(idRows, problems);

  const parsed = settings.safeParse(tenant?.value);
  if (tenant && parsed.success) {
    const model: TenantModel = {
      ...parsed.data,
      ownership: rules.map(({ cells }) => rule.parse(cells)),
      mappings: mappings.map(({ yaml }) => erpMapping.parse(yaml.value)),
    };
    const found = crossChecks(model, broken).map((problem) =>
      locate(problem, { tenant, rules, mappings }),
    );
    if (problems.length === 0 && found.length === 0) return { model, idmap };
    problems.push(...found);
  } else if (tenant) {
    const found = schemaProblems(settings, tenant.value, parsed.error?.issues ?? []);
    problems.push(...place('tenant.yaml', tenant, found));
  }
  throw tenantInvalid(`tenant folder ${dir}`, problems);
}
