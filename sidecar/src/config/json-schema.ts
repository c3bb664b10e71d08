import { FILE } from './file-shape.ts';
import type { JsonSchema } from './shape.ts';

/**
 * Returns the JSON Schema (draft 2020-12) of the configuration. It refuses nothing that `tallystick check` accepts;
 * `check` also refuses what a schema cannot say, such as a name that nothing bears. `tallystick schema` prints it, and
 * `schema.json` beside the package's manifest is a copy of that.
 */
export function configSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Tallystick configuration (tallystick.yaml)',
    ...FILE.schema,
  };
}
