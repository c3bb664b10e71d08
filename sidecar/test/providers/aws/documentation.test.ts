import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { awsKind } from '../../../src/providers/aws.ts';
import { sessionNameOf, sourceIdentityOf } from '../../../src/providers/aws/session-name.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/providers/aws.md'), 'utf8');
const BASE = `version: 1
trustDomain: acme.example
state: /var/lib/tallystick
listen: { workload: unix:///run/tallystick/api.sock, admin: /run/tallystick-admin/admin.sock }
issuer: { url: https://tallystick.acme.example }
`;

test('the example of the page has no mistake', () => {
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(PAGE)!;
  expect(parseConfig(BASE + example)).toMatchObject({ ok: true });
});

test('the page has every key of a provider and of its credentials', () => {
  const named = new Set(Array.from(PAGE.matchAll(/`([\w.]+)`/g), ([, name]) => name));
  const keysOf = (schema: unknown, prefix = ''): string[] =>
    Object.entries((schema as { properties?: object }).properties ?? {}).flatMap(([name, member]) => {
      const inner = keysOf(member, `${prefix}${name}.`);
      return inner.length > 0 ? inner : [`${prefix}${name}`];
    });
  const ofAll = new Set(['type', 'provider', 'use', 'attribution']);
  const keys = [...keysOf(awsKind.settings.schema), ...keysOf(awsKind.credential.schema)];
  expect(keys.length).toBeGreaterThan(15);
  expect(keys.filter((key) => !ofAll.has(key) && !named.has(key))).toEqual([]);
});

test('the policies of the page are JSON, and name what the sidecar sends', () => {
  const policies = Array.from(PAGE.matchAll(/```json\n([^]*?)```/g), ([, text]) => JSON.parse(text!) as unknown);
  expect(policies).toHaveLength(3);
  const id = 'spiffe://acme.example/payments/close-batch';
  expect(JSON.stringify(policies[2])).toContain(`"aws:SourceIdentity":"${sourceIdentityOf(id)}"`);
  expect(PAGE).toContain(sessionNameOf('ls_01KAQ5TV9Z8G4W2J6R7N3M5P0X', id));
});
