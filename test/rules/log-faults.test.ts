// Whatever the log refuses, or fails by, has its next step on the page about it.
import { SEMANTIC_RULES, VERIFY_EXIT } from '@tallystick/audit';
import { expect, test } from 'vitest';
import { listFiles, readText } from './repository.ts';

const PAGE = 'sidecar/docs/audit.md';
const [, NEXT_STEPS = ''] = readText(PAGE).split('\n## What to do when it fails\n');

/** The names in the first cells of the tables. */
const NAMED = [...NEXT_STEPS.matchAll(/^\| (`.*?) \|/gm)].flatMap((row) =>
  [...row[1]!.matchAll(/`([^`]+)`/g)].map((name) => name[1]!),
);

/** Returns the members of the one closed table, or union, of faults that a file has. */
function membersOf(path: string): string[] {
  const text = readText(path);
  const table = /const FAULTS = \{\n([\s\S]*?)\n\} as const/.exec(text)?.[1] ?? '';
  const members = [...table.matchAll(/^ {2}(\w+): \{/gm), ...text.matchAll(/^ {2}\| '(\w+)'/gm)];
  return members.map((member) => member[1]!);
}

const FAULTS = [
  'packages/audit/src/log/log-error.ts',
  'packages/audit/src/journal/journal-error.ts',
  'packages/audit/src/record/record-error.ts',
  'packages/audit/src/tlog/tlog-error.ts',
  'packages/audit/src/anchor/anchor-error.ts',
  'packages/audit/src/verify/finding.ts',
];

/** What the sidecar says in its own log of a record that was not made, or a log that was not kept. */
const LINES = listFiles()
  .filter((path) => /^sidecar\/src\/.*\.ts$/.test(path))
  .flatMap((path) => [...readText(path).matchAll(/\blog\.error\('([^']+)'/g)].map((line) => line[1]!))
  .filter((line) => /\brecord|\bstop\b|\bshard\b/.test(line));

test.each(FAULTS)('every fault of %s has its next step', (path) => {
  const members = membersOf(path);
  expect(members.length).toBeGreaterThan(5);
  expect(members.filter((member) => !NAMED.includes(member))).toEqual([]);
});

test('every rule about the content of records has its next step', () => {
  expect(Object.keys(SEMANTIC_RULES).filter((rule) => !NAMED.includes(rule))).toEqual([]);
});

test('every line of the log that tells of a record that was not made has its next step', () => {
  expect(LINES).toContain('the record failed: nothing is released any more');
  expect(LINES.filter((line) => !NAMED.includes(line))).toEqual([]);
});

test('every exit code of a verifier is said', () => {
  const [, table = ''] = /\n\| exit code \| `audit verify`.*\n([\s\S]*?)\n\n/.exec(readText(PAGE)) ?? [];
  const codes = [...table.matchAll(/^\| (\d) \|/gm)].map((row) => Number(row[1]));
  expect(new Set(codes)).toEqual(new Set(Object.values(VERIFY_EXIT)));
});

test('nothing is named that is none', () => {
  const known = new Set([...FAULTS.flatMap(membersOf), ...Object.keys(SEMANTIC_RULES), ...LINES]);
  expect(NAMED.filter((name) => !known.has(name))).toEqual([]);
});
