import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.ts';

const CORPUS = join(import.meta.dirname, 'mistakes');

/** Each file begins with the mistakes it has: `# line:column path message`, and the remedy in the next line. */
test.each(readdirSync(CORPUS))('%s is refused with the line, the mistake and the remedy that it names', (file) => {
  const text = readFileSync(join(CORPUS, file), 'utf8');
  const expected = text
    .split('\n')
    .filter((line, i, lines) => line.startsWith('#') && lines.slice(0, i).every((each) => each.startsWith('#')));
  const result = parseConfig(text);
  const found = result.ok
    ? []
    : result.mistakes.flatMap(({ line, column, path, message, remedy }) => [
        `# ${line}:${column} ${path === '' ? '' : `${path} `}${message}`,
        `#   ${remedy}`,
      ]);
  expect(found).toEqual(expected);
  expect(found).not.toEqual([]);
});

test('the corpus has a file for each kind of mistake', () => {
  expect(readdirSync(CORPUS).length).toBeGreaterThan(120);
});
