import { didYouMean } from '@tallystick/core';
import { nameOf } from './fault.ts';
import { defaulted, object, required } from './object-shape.ts';
import { choice, isMapping, list, notA, text, wrong, type Shape, type TypeOf } from './shape.ts';
import { AUDIENCE, SCOPE, TOKEN_LIFETIME, USE_PREFIX } from './texts.ts';

const PROVIDERS = ['issuer'] as const;

/** A token of our own issuer. */
const TOKEN = object({
  provider: required(choice(PROVIDERS), 'Who makes it: "issuer" is built in.', 'issuer'),
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
});

export type TokenValue = TypeOf<typeof TOKEN>;

/** One value of `credentials`. Of a provider that is not known, nothing but that is said: its keys are its own. */
export const CREDENTIAL: Shape<TokenValue> = {
  schema: TOKEN.schema,
  read(value, path, report) {
    const provider = isMapping(value) ? value.provider : undefined;
    if (typeof provider !== 'string' || (PROVIDERS as readonly string[]).includes(provider)) {
      return TOKEN.read(value, path, report);
    }
    const meant = didYouMean(provider, PROVIDERS);
    return wrong(
      report,
      [...path, 'provider'],
      'names a provider that is not in this version',
      meant === undefined
        ? 'use "issuer", the only one there is, or run a version that has the other'
        : `did you mean "${meant}"?`,
    );
  },
};

/** The `providers` mapping. `issuer` is built in, and no other is in this version. */
export const UPSTREAMS: Shape<ReadonlyMap<string, unknown>> = {
  schema: { type: 'object', maxProperties: 0 },
  read(value, path, report) {
    if (!isMapping(value)) return wrong(report, path, notA(value, 'a mapping'), 'write a mapping, or remove it');
    for (const name of Object.keys(value)) {
      const at = [...path, name];
      const message =
        name === 'issuer'
          ? `${nameOf(at)} is built in and cannot be configured here`
          : `${nameOf(at)} has a type that is not in this version`;
      const remedy =
        name === 'issuer'
          ? 'remove it; "issuer" at the top has its settings'
          : 'remove it, or run a version that has it';
      report({ path: at, place: 'key', kind: 'schema', message, remedy });
    }
    return new Map();
  },
};
