import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { anchors, linkTargets, listPages } from './markdown.ts';
import { readText, ROOT } from './repository.ts';

test('every relative link of a page leads to a file, and every anchor to a heading', () => {
  const dead: string[] = [];
  for (const page of listPages()) {
    for (const target of linkTargets(readText(page))) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), decodeURI(path));
      const exists = !file.startsWith('..') && existsSync(join(ROOT, file));
      const reached = exists && (!anchor || !file.endsWith('.md') || anchors(readText(file)).includes(anchor));
      if (!reached) dead.push(`${page}: ${target}`);
    }
  }
  expect(dead).toEqual([]);
});

test('pages link to the web by https', () => {
  const plain = listPages().flatMap((page) =>
    linkTargets(readText(page))
      .filter((target) => target.startsWith('http:'))
      .map((target) => `${page}: ${target}`),
  );
  expect(plain).toEqual([]);
});
