import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import { validateConfig } from '../../../src/config/parse-config.ts';
import { GOOD } from '../../config/good-config.ts';

const page = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../../docs/providers', `${name}.md`), 'utf8');

test.each(['federation', 'gcp', 'azure'])('the configuration on the page of %s has no mistake', (name) => {
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(page(name))!;
  const whole = { ...(load(GOOD) as object), ...(load(example) as object) } as Record<string, unknown>;
  whole.credentials = { ...(load(GOOD) as { credentials: object }).credentials, ...(whole.credentials as object) };
  const messages: string[] = [];
  validateConfig(whole, ({ message }) => messages.push(message));
  expect(messages).toEqual([]);
});
