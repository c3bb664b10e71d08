import { configSchema } from '../config/json-schema.ts';
import { defineCommand, EXIT } from './command.ts';

/** Prints the JSON Schema of the configuration. */
export const schema = defineCommand({
  name: 'schema',
  summary: 'print the JSON Schema of the configuration',
  options: {},
  async run({ stdout }) {
    stdout.write(`${JSON.stringify(configSchema(), undefined, 2)}\n`);
    return EXIT.ok;
  },
});
