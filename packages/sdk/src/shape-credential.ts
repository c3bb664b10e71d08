import { Secret, type CredentialBase, type CredentialOf, type CredentialType } from '@tallystick/core';
import type { Materials } from '@tallystick/protocol';

/** What every credential says of itself, but for its type. */
export type Base = Omit<CredentialBase, 'type'>;

/** Returns the frozen credential of what an answer carries. Whatever is secret in it is a `Secret`. */
export function shapeCredential<K extends CredentialType>(
  type: K,
  base: Base,
  material: Materials[K],
  key: Secret | undefined,
): CredentialOf<K> {
  return Object.freeze({ ...base, type, ...SHAPERS[type](material, key) }) as unknown as CredentialOf<K>;
}

type Shaper<K extends CredentialType> = (
  material: Materials[K],
  key: Secret | undefined,
) => Omit<CredentialOf<K>, keyof CredentialBase>;

const SHAPERS: { readonly [K in CredentialType]: Shaper<K> } = {
  'access-token': ({ token, ...shown }) => ({ ...shown, token: new Secret(token) }),
  aws: ({ secretAccessKey, sessionToken, ...shown }) => ({
    ...shown,
    secretAccessKey: new Secret(secretAccessKey),
    sessionToken: new Secret(sessionToken),
  }),
  gcp: ({ token, ...shown }) => ({ ...shown, token: new Secret(token) }),
  azure: ({ token, ...shown }) => ({ ...shown, token: new Secret(token) }),
  database: ({ password, ...shown }) => ({ ...shown, password: new Secret(password) }),
  secret: ({ values, version }) => ({ values: secretsOf(values), version }),
  x509: (shown, key) => ({ ...shown, key: key! }),
  ssh: (shown, key) => ({ ...shown, key: key! }),
};

function secretsOf(values: Readonly<Record<string, string>>): Readonly<Record<string, Secret>> {
  return Object.freeze(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, new Secret(value)])));
}
