import { fileURLToPath } from 'node:url';

/**
 * `NODE_COMPILE_CACHE` of what we start, as in the images: sources that node has stripped and compiled once. Without
 * it every process loads node's own stripper, which is 18 MB, and compiles all modules again.
 */
export const compileCache = fileURLToPath(
  new URL('../node_modules/.cache/compile', import.meta.url),
);
