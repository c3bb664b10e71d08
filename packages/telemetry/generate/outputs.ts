import { join } from 'node:path';
import { renderMarkdown } from './markdown.ts';
import { renderNames } from './names.ts';
import { readRegistry } from './registry.ts';

const ROOT = join(import.meta.dirname, '..');

/** Returns the text of every generated file, by its path. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const registry = readRegistry(join(ROOT, 'registry'));
  return new Map([
    [join(ROOT, 'src/names.ts'), renderNames(registry)],
    [join(ROOT, 'registry/README.md'), renderMarkdown(registry)],
  ]);
}
