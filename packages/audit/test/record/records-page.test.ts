import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SEMANTIC_RULES } from '../../src/index.ts';
import { BODIES, envelopeShape } from '../../src/record/record.ts';
import { LogWriter } from './log-writer.ts';

const page = readFileSync(new URL('../../RECORDS.md', import.meta.url), 'utf8');
const firstCells = (heading: string): string[] =>
  [...(page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '').matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  );

it('the page on records names every member, type and rule, and no other', () => {
  const record = new LogWriter().record('sidecar.stopped', { cause: 'x', v: 1 });
  expect(envelopeShape.fault(record, true)).toBeUndefined();
  expect(firstCells('Every record').sort()).toEqual(Object.keys(record).sort());
  expect(firstCells('Types').sort()).toEqual(Object.keys(BODIES).sort());
  expect(firstCells('What a sequence must mean').sort()).toEqual(Object.keys(SEMANTIC_RULES).sort());
});
