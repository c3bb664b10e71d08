import { defaulted, optional, required } from './object-shape.ts';
import { choice, list, text } from './shape.ts';
import { LIFETIME, NAME, USE_PREFIX } from './texts.ts';

/** What every credential of an upstream has, whatever its kind adds. */
export const UPSTREAM_CREDENTIAL = {
  provider: required(text(NAME), 'Who makes it: a name of "providers".', 'vault-eu'),
  lifetime: optional(text(LIFETIME), 'How long it should live. The upstream may give less.'),
  use: defaulted(
    list(text(USE_PREFIX), { distinct: true }),
    [],
    'URL prefixes that the SDK may send it to, where it is an access token.',
  ),
  attribution: defaulted(
    choice(['identity', 'process', 'run']),
    'process',
    'Whether it is shared by all that an identity does, or by one business process, or by one run of that.',
  ),
};

/** What {@link UPSTREAM_CREDENTIAL} gives. */
export interface UpstreamCredentialValue {
  readonly provider: string;
  readonly lifetime: string | undefined;
  readonly use: readonly string[];
  readonly attribution: 'identity' | 'process' | 'run';
}
