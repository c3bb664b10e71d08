import { readdirSync, readFileSync } from 'node:fs';
import { isRecordType } from '@tallystick/audit';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../sidecar/src/cli/catalog.ts';
import { EXIT } from '../../sidecar/src/cli/command.ts';
import { VERSION } from '../../sidecar/src/version.ts';
import { startDaemon } from '../daemon/daemon.ts';

const read = (path: string): string => readFileSync(new URL(`../../sidecar/${path}`, import.meta.url), 'utf8');
const README = read('README.md');
const firstCells = (pattern: RegExp): string[] => [...README.matchAll(pattern)].map((match) => match[1]!);

test('the sidecar README names every command, and no other', () => {
  expect([...new Set(firstCells(/^\| `tallystick ((?:audit )?[\w-]+)/gm))].sort()).toEqual(
    Object.keys(COMMANDS).sort(),
  );
});

test('the sidecar README names every exit code', () => {
  expect(firstCells(/^\| (\d) \|/gm).map(Number)).toEqual(Object.values(EXIT));
});

test('the sidecar README names every metric that is served, and no other', async () => {
  await using daemon = await startDaemon();
  const text = await (await fetch(`${daemon.healthUrl}/metrics`)).text();
  const served = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  const rows = README.matchAll(/^\| `(\w+)` \| (counter|histogram|gauge) \|/gm);
  expect([...rows].map(([, name, type]) => `${name} ${type}`).sort()).toEqual(served.sort());
});

test('the page about the record names every type of it, and no other', () => {
  const [, table] = read('docs/record.md').split('## Types');
  const cells = [...table!.split('## Questions')[0]!.matchAll(/^\| (`.*?`) \|/gm)].map((match) => match[1]!);
  const named = cells.flatMap((cell) => [...cell.matchAll(/`([\w.]+)`/g)].map((match) => match[1]!));
  const sources = readdirSync(new URL('../../sidecar/src/record', import.meta.url), {
    recursive: true,
    encoding: 'utf8',
  })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(`src/record/${name}`));
  const quoted = [...sources.join('').matchAll(/'([a-z]+\.[a-z_]+)'/g)].map((match) => match[1]!);
  const types = [...new Set(quoted.filter(isRecordType))];
  expect(types).toContain('credential.released');
  expect(named.sort()).toEqual(types.sort());
});

test('the version that the command prints is that of the manifest', () => {
  expect(VERSION).toBe((JSON.parse(read('package.json')) as { version: string }).version);
});
