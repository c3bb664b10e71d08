import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FEATURES } from '../../src/config/file-shape.ts';
import { configSchema } from '../../src/config/json-schema.ts';
import { UPSTREAM_CREDENTIAL } from '../../src/config/upstream-credential.ts';
import { PROVIDER_KINDS } from '../../src/providers/kinds.ts';
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

test('the page says what all credentials of upstreams have', () => {
  const part = PAGE.slice(PAGE.indexOf('\n### Credentials of upstreams'), PAGE.indexOf('\n## Selectors'));
  for (const key of Object.keys(UPSTREAM_CREDENTIAL)) expect(part).toContain(`- \`${key}\``);
  for (const { type } of PROVIDER_KINDS) expect(part).toContain(`(providers/${type}.md)`);
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

test.each(PROVIDER_KINDS.map((kind) => [kind.type, kind] as const))(
  'the page of the upstream "%s" names every key of it and of its credentials, and what every page says',
  (type, { settings, credential }) => {
    const page = readFileSync(join(import.meta.dirname, `../../docs/providers/${type}.md`), 'utf8');
    const keys = [settings, credential].flatMap(({ schema }) => keysOf(schema as Schema, '').map(([key]) => key));
    const prose = page.replaceAll(/^```[^]*?^```/gm, '');
    const named = new Set([...prose.matchAll(/`([^`]+)`/g)].map(([, text]) => text!));
    const isNamed = (key: string): boolean => named.has(key) || named.has(key.split('.').at(-1)!);
    // What all credentials of upstreams have stands on the page of the configuration; a mapping is named by its keys.
    const common = new Set(['type', ...Object.keys(UPSTREAM_CREDENTIAL)]);
    const isParent = (key: string): boolean => keys.some((other) => other.startsWith(`${key}.`));
    expect(keys.filter((key) => !common.has(key) && !isParent(key) && !isNamed(key))).toEqual([]);
    for (const said of ['upstream', 'grants', 'inding', 'utage budget']) expect(page).toContain(said);
  },
);
