import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRegistry } from '../../packages/telemetry/generate/registry.ts';
import { publishedPackages, readText, ROOT } from './repository.ts';

const NAMES = 'packages/telemetry/src/names.ts';

test('every name that the names registry calls stable is written by some package', () => {
  const { groups, metrics, events } = readRegistry(join(ROOT, 'packages/telemetry/registry'));
  const attributes = groups.flatMap((group) =>
    group.attributes.map(({ key, stability }) => ({ name: key, stability })),
  );
  const constants = new Map(
    [...readText(NAMES).matchAll(/^export const (\w+) = '(.+)';$/gm)].map(([, constant, name]) => [name!, constant!]),
  );
  const sources = publishedPackages()
    .flatMap((found) => found.sources)
    .filter((path) => path !== NAMES)
    .map(readText)
    .join('\n');
  const isWritten = (name: string): boolean =>
    sources.includes(`'${name}'`) || new RegExp(`\\b${constants.get(name)}\\b`).test(sources);
  const stable = [...attributes, ...metrics, ...events].filter(({ stability }) => stability === 'stable');
  expect(stable.length).toBeGreaterThan(20);
  expect(stable.map(({ name }) => name).filter((name) => !isWritten(name))).toEqual([]);
});
