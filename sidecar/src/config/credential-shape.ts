import { PROVIDER_KINDS } from '../providers/kinds.ts';
import { defaulted, object, optional, required } from './object-shape.ts';
import { choice, isMapping, list, text, type Draft, type JsonSchema, type Shape, type TypeOf } from './shape.ts';
import { AUDIENCE, NAME, SCOPE, TOKEN_LIFETIME, USE_PREFIX } from './texts.ts';

/** A token of our own issuer. */
const TOKEN = object({
  provider: required(choice(['issuer']), 'Who makes it: "issuer" is built in.', 'issuer'),
  audience: required(
    text(AUDIENCE),
    'Absolute URI of the API that the token is for: its "aud", and the "resource" of a request.',
    'https://ledger.acme.example',
  ),
  scope: defaulted(text(SCOPE), '', 'Scope values with a space between.'),
  lifetime: defaulted(text(TOKEN_LIFETIME), '15m', 'How long a token lives. It is replaced at half of that.'),
  use: defaulted(
    list(text(USE_PREFIX), { distinct: true }),
    [],
    'URL prefixes that the SDK may send the token to: a URL origin and whole path segments.',
  ),
  attribution: defaulted(
    choice(['identity', 'process', 'run']),
    'process',
    '"run": the token carries the run that the workload claims, and is not shared between runs.',
  ),
  certificate: optional(
    text(NAME),
    'Name of the X.509 credential whose certificate the token is bound to, for an API behind mTLS. Default: the token is bound to the key of the workload, by DPoP.',
  ),
});

export type TokenValue = TypeOf<typeof TOKEN>;

/** A credential of an upstream, as it is written: what its keys are, the kind of its provider says. */
export interface WrittenCredential {
  readonly provider: string;
  readonly written: Readonly<Record<string, unknown>>;
}

/** One value of `credentials`. */
export const CREDENTIAL: Shape<TokenValue | WrittenCredential> = {
  // Which keys a credential of an upstream has, follows from the type of its provider, which no schema finds: `check` does.
  schema: {
    type: 'object',
    if: { properties: { provider: { type: 'string', not: { const: 'issuer' } } }, required: ['provider'] },
    // eslint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { properties: upstreamKeys() },
    else: TOKEN.schema,
  },
  read(value, path, report) {
    const provider = isMapping(value) ? value.provider : undefined;
    if (typeof provider !== 'string' || provider === 'issuer') return TOKEN.read(value, path, report);
    return { provider, written: value } as Draft<WrittenCredential>;
  },
};

/** The keys that credentials of upstreams may have, with nothing but what they are for: an editor offers them. */
function upstreamKeys(): Readonly<Record<string, JsonSchema>> {
  const keys: Record<string, JsonSchema> = {};
  for (const { credential } of PROVIDER_KINDS) {
    const properties = credential.schema.properties as Readonly<Record<string, { readonly description: string }>>;
    for (const [name, { description }] of Object.entries(properties)) keys[name] ??= { description };
  }
  return keys;
}
