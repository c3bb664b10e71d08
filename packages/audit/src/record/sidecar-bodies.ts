import { digest, line, operator, word } from './values.ts';
import { integer, nullable, object, oneOf, text } from './shape.ts';

const kid = text(128, /^[\w-]+$/, 'a key id');

/** Bodies of what the sidecar did, and what operators did to it. */
export const SIDECAR_BODIES = {
  /** A configuration came into force; `sha256` is of the file's bytes. */
  'config.loaded': object({
    credentials: integer(0),
    identities: integer(0),
    sha256: digest,
    source: oneOf('file', 'last-good'),
    v: integer(1),
  }),
  'config.refused': object({ mistakes: integer(0), v: integer(1) }),
  'issuer.key_rotated': object({ kid, operator: nullable(operator), previous: nullable(kid), v: integer(1) }),
  'sidecar.started': object({ node: word, v: integer(1), version: word }),
  'sidecar.stopped': object({ cause: line, v: integer(1) }),
  /** A command of an operator that has no type of its own. */
  'admin.action': object({ command: word, operator, target: nullable(line), v: integer(1) }),
} as const;
