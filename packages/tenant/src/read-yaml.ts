import { LineCounter, isMap, isScalar, parseDocument, type Document } from 'yaml';
import type { ModelPath, TenantProblem } from './problem.ts';

/** A YAML file as plain values, with the way back from a path to its line. */
export interface YamlFile {
  readonly value: unknown;
  /** Line (from 1) of the key or item at `path`; of its nearest ancestor when it is absent. */
  readonly lineOf: (path: ModelPath) => number;
}

function offsetAt(document: Document, path: ModelPath): number | undefined {
  const parent: unknown =
    path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    const key = String(path.at(-1));
    for (const pair of parent.items) {
      if (isScalar(pair.key) && String(pair.key.value) === key) return pair.key.range?.[0];
    }
  }
  const node: unknown = document.getIn(path, true);
  const range =
    typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}

/** Parses YAML 1.2; undefined when it is not YAML, with the reasons in `problems`. */
export function readYaml(
  text: string,
  file: string,
  problems: TenantProblem[],
): YamlFile | undefined {
  const lines = new LineCounter();
  // Pretty errors quote the source, which may hold a secret that somebody wrote in the wrong place.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  for (const error of document.errors) {
    problems.push({
      file,
      line: lineAt(error.pos[0]),
      path: '',
      what: `not YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`,
      fix: 'correct the line; mind indentation, colons and quotes',
    });
  }
  if (document.errors.length > 0) return undefined;
  return {
    value: document.toJS({ maxAliasCount: 100 }),
    lineOf: (path) => {
      for (let length = path.length; length > 0; length -= 1) {
        const offset = offsetAt(document, path.slice(0, length));
        if (offset !== undefined) return lineAt(offset);
      }
      return 1;
    },
  };
}
