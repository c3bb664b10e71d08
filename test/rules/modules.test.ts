import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { moduleFacts } from './module-facts.ts';
import { listFiles, publishedPackages, readText } from './repository.ts';

const LINES_AT_MOST = 500;
const LINES_OF_MOST = 300;

/** The only source files that may read environment variables: paths and endpoints enter there. */
const READ_ENVIRONMENT = [
  /^sidecar\/src\/config\/environment\.ts$/,
  /^packages\/sdk\/src\/runtime\.ts$/,
  /^packages\/register\/src\//,
];

const VAGUE = /^(utils?|helpers?|common|shared|misc)$/;

const published = publishedPackages().flatMap((each) => each.sources);
const facts = new Map(published.map((path) => [path, moduleFacts(path, readText(path))]));
const withFact = (fact: 'awaitsAtTopLevel' | 'exportsDefault' | 'exportsStar' | 'readsEnvironment'): string[] =>
  published.filter((path) => facts.get(path)![fact]);

test('the rules look at something', () => {
  expect(published.length).toBeGreaterThan(30);
});

test('no published module awaits at its top level, so that require() can load it', () => {
  expect(withFact('awaitsAtTopLevel')).toEqual([]);
});

test('published modules export by name', () => {
  expect(withFact('exportsDefault')).toEqual([]);
});

test('what a package exports is written out: no "export *"', () => {
  expect(withFact('exportsStar')).toEqual([]);
});

test('environment variables are read in few named places', () => {
  expect(withFact('readsEnvironment').filter((path) => !READ_ENVIRONMENT.some((place) => place.test(path)))).toEqual(
    [],
  );
});

test('every folder and file is named for its role, in kebab-case', () => {
  const segments = listFiles().filter((path) => /^(packages|sidecar|examples|test)\//.test(path));
  expect(segments.filter((path) => path.split('/').some((part) => VAGUE.test(part.split('.')[0]!)))).toEqual([]);
  expect(published.filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/.test(basename(path)))).toEqual([]);
});

test(`no source file is longer than ${LINES_AT_MOST} lines, and nine in ten have at most ${LINES_OF_MOST}`, () => {
  const lengths = published.map((path) => ({ path, lines: readText(path).split('\n').length - 1 }));
  expect(lengths.filter(({ lines }) => lines > LINES_AT_MOST)).toEqual([]);
  const long = lengths.filter(({ lines }) => lines > LINES_OF_MOST);
  expect(long.length, long.map(({ path, lines }) => `${path}: ${lines}`).join('\n')).toBeLessThan(
    published.length / 10,
  );
});

test('no comment leaves work for later or says who wrote it', () => {
  const marks = /\b(TODO|FIXME|XXX|HACK)\b|@author|Co-authored-by|Generated (by|with)/;
  const code = listFiles().filter((path) => path.endsWith('.ts') && path !== 'test/rules/modules.test.ts');
  expect(code.filter((path) => marks.test(readText(path)))).toEqual([]);
});
