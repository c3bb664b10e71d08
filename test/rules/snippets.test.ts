import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { codeBlocks, listPages, type CodeBlock } from './markdown.ts';
import { readText, ROOT } from './repository.ts';

/** Below `test`, so that a snippet finds every package by its name. Ignored by git. */
const PROJECT = join(ROOT, 'test', '.cache', 'snippets');

/**
 * The TypeScript of a page as programs. Each `ts` block is a module of its own; one whose fence says `ts continued`
 * goes on where the block before it ended.
 */
function programs(page: string): { name: string; code: string }[] {
  const found: { blocks: CodeBlock[] }[] = [];
  for (const block of codeBlocks(page, readText(page))) {
    if (block.language !== 'ts') continue;
    if (block.flags.includes('continued') && found.length > 0) found.at(-1)!.blocks.push(block);
    else found.push({ blocks: [block] });
  }
  return found.map(({ blocks }) => {
    const lines: string[] = [];
    for (const block of blocks) {
      // Each line stands in the program where it stands in the page, so that an error names the line of the page.
      while (lines.length < block.line) lines.push('');
      lines.push(...block.code.split('\n'));
    }
    return { name: `${page.replaceAll('/', '__')}.${blocks[0]!.line}.ts`, code: `${lines.join('\n')}\nexport {};\n` };
  });
}

test('every TypeScript snippet of every page compiles', () => {
  rmSync(PROJECT, { recursive: true, force: true });
  mkdirSync(PROJECT, { recursive: true });
  const found = listPages().flatMap(programs);
  for (const { name, code } of found) writeFileSync(join(PROJECT, name), code);
  writeFileSync(
    join(PROJECT, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.json',
      include: [],
      files: found.map(({ name }) => name),
    }),
  );
  const { status, stdout, stderr } = spawnSync(
    join(ROOT, 'node_modules', '.bin', 'tsc'),
    ['-p', PROJECT, '--pretty', 'false'],
    {
      cwd: PROJECT,
      encoding: 'utf8',
    },
  );
  const faults = `${stdout}${stderr}`.replaceAll('__', '/').replaceAll(/\.md\.\d+\.ts\((\d+),/g, '.md($1,');
  expect({ status, faults }).toEqual({ status: 0, faults: '' });
});
