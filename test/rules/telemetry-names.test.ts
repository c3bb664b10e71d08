import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRegistry } from '../../packages/telemetry/generate/registry.ts';
import { publishedPackages, readText, ROOT } from './repository.ts';

const NAMES = 'packages/telemetry/src/names.ts';

const { groups, metrics, events, spans } = readRegistry(join(ROOT, 'packages/telemetry/registry'));
const attributes = groups.flatMap((group) => group.attributes);
const sources = publishedPackages()
  .flatMap((found) => found.sources)
  .filter((path) => path !== NAMES)
  .map(readText)
  .join('\n');

test('every name of the names registry is written by some package', () => {
  const constants = new Map(
    [...readText(NAMES).matchAll(/^export const (\w+) = '(.+)';$/gm)].map(([, constant, name]) => [name!, constant!]),
  );
  const isWritten = (name: string): boolean =>
    sources.includes(`'${name}'`) || new RegExp(`\\b${constants.get(name)}\\b`).test(sources);
  const names = [...attributes.map(({ key }) => key), ...[...metrics, ...events].map(({ name }) => name)];
  expect(names.length).toBeGreaterThan(40);
  expect(names.filter((name) => !isWritten(name))).toEqual([]);
});

test('every value that the names registry gives an attribute is known to some package', () => {
  const unwritten = attributes.flatMap(({ key, values }) =>
    values.filter((value) => !sources.includes(`'${value}'`)).map((value) => `${key}: ${value}`),
  );
  expect(unwritten).toEqual([]);
});

test('what is written is stable, and only that is in the names registry', () => {
  expect([...attributes, ...metrics, ...events, ...spans].filter(({ stability }) => stability !== 'stable')).toEqual(
    [],
  );
});
