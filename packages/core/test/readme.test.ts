import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERROR_CODES, type ErrorEntry } from '../src/index.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

const MARKED = /(<!-- errors -->).*(<!-- \/errors -->)/s;

/** The table as the README must hold it, between its two marks. */
function table(): string {
  const rows = Object.entries(ERROR_CODES as Readonly<Record<string, ErrorEntry>>).map(
    ([code, { oauth, status, retryable, remedy }]) =>
      `| \`${code}\` | \`${oauth}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${remedy.replaceAll('|', '\\|')} |`,
  );
  return [
    '',
    '| code | OAuth `error` | status | retryable | remedy |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

// `vitest run packages/core/test/readme.test.ts -u` writes the table anew.
test('the README lists every error code with its OAuth error, status, retryability and remedy', async () => {
  const current = README.replace(MARKED, (_, start: string, end: string) => start + table() + end);
  expect(README).toMatch(MARKED);
  await expect(current).toMatchFileSnapshot('../README.md');
});

test('the results that the README states are those that its snippets give', async () => {
  const snippets = [...README.matchAll(/^```ts\n(.*?)^```$/gms)]
    .map(([, code]) => code!)
    .filter((code) => code.includes('// =>'));
  const core = (await import('../src/index.ts')) as Record<string, unknown>;
  let stated = 0;
  for (const snippet of snippets) {
    let setUp = '';
    for (const line of snippet.split('\n')) {
      const [, expression, result] = /^(.*?);? \/\/ => (.*)$/.exec(line) ?? [];
      if (expression === undefined) {
        if (!line.startsWith('import ')) setUp += `${line}\n`;
        continue;
      }
      // oxlint-disable-next-line typescript/no-implied-eval -- the README is ours
      const run = new Function(...Object.keys(core), `${setUp}; return [${expression}, ${result}];`) as (
        ...names: unknown[]
      ) => [unknown, unknown];
      const [actual, expected] = run(...Object.values(core));
      expect(actual).toEqual(expected);
      stated++;
    }
  }
  expect(stated).toBeGreaterThan(5);
});
