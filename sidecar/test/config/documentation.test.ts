import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FEATURES } from '../../src/config/file-shape.ts';
import { configSchema } from '../../src/config/json-schema.ts';
import { parseConfig } from '../../src/config/parse-config.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly else?: Schema;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | false;
  readonly default?: unknown;
}

/** Every key of the schema, with `required` or its default. */
function keysOf(schema: Schema, path: string): [string, string][] {
  const members = Object.entries(schema.properties ?? {}).flatMap(([name, member]): [string, string][] => {
    const key = path === '' ? name : `${path}.${name}`;
    const fallback = member.default === undefined ? '' : `\`${JSON.stringify(member.default)}\``;
    return [[key, schema.required?.includes(name) ? 'required' : fallback], ...keysOf(member, key)];
  });
  return [
    ...members,
    ...(schema.anyOf ?? []).flatMap((part) => keysOf(part, path)),
    ...(schema.else ? keysOf(schema.else, path) : []),
    ...(schema.items ? keysOf(schema.items, `${path}[]`) : []),
    ...(schema.additionalProperties ? keysOf(schema.additionalProperties, `${path}.<name>`) : []),
  ];
}

test('the page has every key of the schema, with its default, and no other', () => {
  const keys = PAGE.slice(PAGE.indexOf('\n## Keys'), PAGE.indexOf('\n## Selectors'));
  const documented = [...keys.matchAll(/^\| `(.+?)` \| (.*?) ?\| .+\|$/gm)].map((row) => [row[1]!, row[2]!.trim()]);
  const expected = keysOf(configSchema() as Schema, '');
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(expected));
  expect(documented).toHaveLength(expected.length);
});

test('the page names every feature and warning', () => {
  for (const feature of FEATURES) expect(PAGE).toContain(`\`${feature}\``);
  const source = readFileSync(join(import.meta.dirname, '../../src/config/warning.ts'), 'utf8');
  const codes = [...source.matchAll(/^ {2}\| '(\w+)'/gm)].map((match) => match[1]!);
  const documented = [...PAGE.slice(PAGE.indexOf('\n## Warnings')).matchAll(/^\| `(\w+)` \|/gm)].map((row) => row[1]!);
  expect(documented).toEqual(codes);
});

test('the example of the page has no mistake', () => {
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(PAGE)!;
  expect(parseConfig(example)).toMatchObject({ ok: true });
});
