import { readdirSync } from 'node:fs';

const root = new URL('../', import.meta.url);

/** All test files of the repository below `folders` whose name passes `wanted`, sorted. */
export function testFiles(folders: readonly string[], wanted: (file: string) => boolean): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' }).map(
        (file) => `${folder}/${file}`,
      ),
    )
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .filter(wanted)
    .toSorted();
}
