import { expect, test } from 'vitest';
import { anchors, codeBlocks, linkTargets } from './markdown.ts';

test('code blocks are found with their language, flags and line', () => {
  const page = ['# A', '```ts continued', 'a();', '```', '- item', '  ```sh', '  b', '    c', '  ```'].join('\n');
  expect(codeBlocks('a.md', page)).toEqual([
    { page: 'a.md', line: 2, language: 'ts', flags: ['continued'], code: 'a();' },
    { page: 'a.md', line: 6, language: 'sh', flags: [], code: 'b\n  c' },
  ]);
  expect(() => codeBlocks('a.md', '```ts\n')).toThrow('a.md:1');
});

test('links are found in each form, and those in code are not', () => {
  const page =
    '[a](one.md) [b](<two.md> "title") ![c](three.png) `[d](four.md)`\n[e]: five.md\n<a href="six.md">\n```\n[f](seven.md)\n```\n';
  expect(linkTargets(page)).toEqual(['one.md', 'two.md', 'three.png', 'five.md', 'six.md']);
});

test('anchors are those of the headings', () => {
  expect(anchors('# The path, drawn\n## `tallystick run`\n## `tallystick run`\n```\n# no\n```\n')).toEqual([
    'the-path-drawn',
    'tallystick-run',
    'tallystick-run-1',
  ]);
});
