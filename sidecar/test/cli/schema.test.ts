import { expect, test } from 'vitest';
import { EXIT } from '../../src/cli/command.ts';
import { configSchema } from '../../src/config/json-schema.ts';
import { runCli } from './run-cli.ts';

test('the schema is printed as one JSON value', async () => {
  const { code, stdout } = await runCli(['schema']);
  expect(code).toBe(EXIT.ok);
  expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(configSchema())));
});
