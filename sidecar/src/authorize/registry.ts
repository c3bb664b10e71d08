import { registryDigest, type IdentityObject, type RegistryDigest } from '@tallystick/core';
import type { Config, CredentialConfig, TokenConfig } from '../config/config.ts';

/** Identities and credentials of one configuration, looked up by what requests name. Never changed. */
export interface Registry {
  readonly digest: RegistryDigest;
  readonly identities: ReadonlyMap<string, IdentityObject>;
  readonly credentials: ReadonlyMap<string, CredentialConfig>;
  /** What an identity is entitled to, in the order of its entitlements. */
  entitled(identity: IdentityObject): readonly Entitled[];
}

/** A credential an identity may have, with what its entitlement narrows. */
export interface Entitled {
  readonly credential: CredentialConfig;
  /** Scope values that may be granted, sorted. */
  readonly scope: readonly string[];
  readonly minAssurance: IdentityObject['entitlements'][number]['minAssurance'];
}

export function createRegistry(config: Pick<Config, 'identities' | 'credentials'>): Registry {
  const entitled = new Map<string, readonly Entitled[]>();
  for (const identity of config.identities) {
    entitled.set(
      identity.id,
      identity.entitlements.flatMap((entitlement) => {
        const credential = config.credentials.get(entitlement.credential);
        if (!credential) return [];
        // An entitlement narrows: a value that the credential does not have is none that it could add.
        const asked = entitlement.scope?.split(' ');
        const scope = asked ? credential.scope.filter((value) => asked.includes(value)) : credential.scope;
        return [{ credential, scope, minAssurance: entitlement.minAssurance }];
      }),
    );
  }
  return {
    digest: registryDigest(config.identities),
    identities: new Map(config.identities.map((identity) => [identity.id, identity])),
    credentials: config.credentials,
    entitled: (identity) => entitled.get(identity.id) ?? [],
  };
}

/** True for a token of the built-in issuer. */
export function isOwnToken(credential: CredentialConfig): credential is TokenConfig {
  return credential.provider === 'issuer';
}
