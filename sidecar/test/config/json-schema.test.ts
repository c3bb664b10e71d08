import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import type { Fault } from '../../src/config/fault.ts';
import { configSchema } from '../../src/config/json-schema.ts';
import { validateConfig } from '../../src/config/parse-config.ts';
import { changedConfig, validConfig } from './arbitrary-config.ts';

const CORPUS = join(import.meta.dirname, 'mistakes');
const accepts = new Ajv2020({ strict: true, strictRequired: false }).compile(configSchema());

function faultsOf(data: unknown): readonly Fault[] {
  const faults: Fault[] = [];
  validateConfig(data, (fault) => faults.push(fault));
  return faults;
}

test('the schema that is published is the one that the shapes give', () => {
  const published = JSON.parse(readFileSync(join(import.meta.dirname, '../../schema.json'), 'utf8')) as unknown;
  expect(published).toEqual(JSON.parse(JSON.stringify(configSchema())));
});

test('the schema accepts every configuration without a mistake', () => {
  fc.assert(
    fc.property(validConfig, (data) => {
      expect(accepts(data), JSON.stringify(accepts.errors)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('the schema refuses what the validator calls a mistake of the schema, and nothing else', () => {
  fc.assert(
    fc.property(changedConfig, (data) => {
      const faults = faultsOf(data);
      expect(accepts(data), JSON.stringify({ faults, errors: accepts.errors })).toBe(
        !faults.some(({ kind }) => kind === 'schema'),
      );
    }),
    { numRuns: 600 },
  );
});

test('schema and validator agree on the corpus of mistakes', () => {
  const disagreeing = readdirSync(CORPUS).filter((file) => {
    if (file.startsWith('yaml-')) return false;
    const data = load(readFileSync(join(CORPUS, file), 'utf8'));
    return accepts(data) === faultsOf(data).some(({ kind }) => kind === 'schema');
  });
  expect(disagreeing).toEqual([]);
});

test('each key is described', () => {
  const undescribed: string[] = [];
  const visit = (schema: unknown, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return;
    // What stands under "if" is no key, but asks for the value of one.
    const { properties = {}, ...others } = { ...schema, if: undefined } as {
      properties?: Record<string, { description?: string }>;
    };
    for (const [name, member] of Object.entries(properties)) {
      if (!/^[A-Z"].+\.$/.test(member.description ?? '')) undescribed.push(`${path}.${name}`);
      visit(member, `${path}.${name}`);
    }
    for (const part of Object.values(others)) visit(part, path);
  };
  visit(configSchema(), '');
  expect(undescribed).toEqual([]);
});
