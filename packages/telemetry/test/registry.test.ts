import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { generatedFiles } from '../generate/outputs.ts';
import { readRegistry } from '../generate/registry.ts';
import * as names from '../src/names.ts';
import { VERSION } from '../src/version.ts';
import { compile } from './compile.ts';

const ROOT = join(import.meta.dirname, '..');
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function changedRegistry(file: string, change: (text: string) => string): string {
  const folder = mkdtempSync(join(tmpdir(), 'registry-'));
  folders.push(folder);
  cpSync(join(ROOT, 'registry'), folder, { recursive: true });
  writeFileSync(join(folder, file), change(readFileSync(join(folder, file), 'utf8')));
  return folder;
}

test.each([...generatedFiles()])('%s is what "pnpm generate" makes of the registry', (path, text) => {
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('a metric may not carry what names an identity, a process, a lease or a log', () => {
  const { metrics, groups } = readRegistry(join(ROOT, 'registry'));
  const never = groups.flatMap((group) => group.attributes.filter(({ onMetrics }) => !onMetrics));
  expect(never.map(({ key }) => key)).toEqual(
    expect.arrayContaining([
      'tallystick.identity.id',
      'tallystick.identity.owner.id',
      'tallystick.business_process.run.id',
      'tallystick.caller.id',
      'tallystick.lease.id',
      'tallystick.audit.log.origin',
    ]),
  );
  for (const { key } of never) {
    const folder = changedRegistry('metrics.yaml', (text) => text.replace('- ref: error.type', `- ref: ${key}`));
    expect(() => readRegistry(folder)).toThrow(`"${key}" may not be on a metric`);
  }
  expect(metrics.length).toBe(Object.keys(names.METRICS).length);
});

test('a reference to a name that is not in the registry is refused', () => {
  const folder = changedRegistry('spans.yaml', (text) => text.replace('ref: error.type', 'ref: error.tpye'));
  expect(() => readRegistry(folder)).toThrow('"error.tpye" is not in the registry');
});

test('every name is in our own namespace or reused from OpenTelemetry, lower case and dotted', () => {
  for (const [constant, name] of Object.entries(names)) {
    if (typeof name !== 'string' || constant === 'SCHEMA_URL') continue;
    expect(name).toMatch(/^(?:tallystick|error|http|network|server)(?:\.[a-z]+(?:_[a-z]+)*)+$/);
  }
});

test('the scope version and the schema are those of the package', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(VERSION).toBe(version);
  expect(names.SCHEMA_URL).toMatch(new RegExp(`/${version}$`));
});

test('what is not for metrics does not compile on one', () => {
  compile([
    `import { instrument, type SpanAttributes } from '@tallystick/telemetry';
     const scope = instrument('test', '0');
     scope.record('tallystick.client.operation.duration', 1, { 'tallystick.operation.name': 'connect' });
     // @ts-expect-error an identity
     scope.record('tallystick.client.operation.duration', 1, { 'tallystick.identity.id': 'spiffe://a/b' });
     const held = { 'tallystick.operation.name': 'connect', 'tallystick.lease.id': 'ls_' } as const;
     // @ts-expect-error a lease, also in an object that was made before
     scope.record('tallystick.client.operation.duration', 1, held);
     // @ts-expect-error a log
     scope.add('tallystick.audit.records', 1, { 'tallystick.audit.log.origin': 'acme.example/1/0/0' });
     // @ts-expect-error a counter is not recorded
     scope.record('tallystick.audit.records', 1, {});
     // @ts-expect-error a name that is not in the registry
     export const wrong: SpanAttributes = { 'tallystick.identity.name': 'x' };`,
  ]);
});
