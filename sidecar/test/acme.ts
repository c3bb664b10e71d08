import type { IdentityObject } from '@tallystick/core';
import type { Config, CredentialConfig } from '../src/config/config.ts';
import { createRegistry, type Registry } from '../src/authorize/registry.ts';
import type { Peer } from '../src/listen/peer.ts';

/** The issuer of these tests. */
export const ISSUER = 'https://tallystick.acme.example';

/** An identity of acme.example: `spiffe://acme.example/NAME`, entitled to `ledger-api`. */
export function identity(name: string, members: Partial<IdentityObject> = {}): IdentityObject {
  return {
    id: `spiffe://acme.example/${name}`,
    kind: 'workload',
    owner: { id: 'team-payments', kind: 'team', accountable: null, backup: 'team-finance' },
    purpose: 'posts the month-end journal',
    environment: 'production',
    businessProcesses: ['BP-1042'],
    expires: '2027-06-30',
    match: [['unix:uid:1001']],
    revocable: 'exp',
    receives: [],
    entitlements: [entitled('ledger-api')],
    ...members,
  };
}

/** That an identity may have a credential. */
export function entitled(
  credential: string,
  members: Partial<IdentityObject['entitlements'][number]> = {},
): IdentityObject['entitlements'][number] {
  return { credential, scope: null, minAssurance: 'socket', ...members };
}

/** A credential of the built-in issuer, for `https://NAME.acme.example`. */
export function credential(name: string, members: Partial<CredentialConfig> = {}): CredentialConfig {
  return {
    name,
    provider: 'issuer',
    type: 'access-token',
    audience: `https://${name}.acme.example`,
    scope: ['journal.read', 'journal.write'],
    binding: 'dpop',
    lifetimeMs: 900_000,
    floorMs: 0,
    holders: 'own',
    wanted: undefined,
    use: [],
    attribution: 'process',
    ...members,
  };
}

/** A whole configuration. */
export function configOf(
  identities: readonly IdentityObject[],
  credentials: readonly CredentialConfig[] = [credential('ledger-api')],
): Config {
  return {
    trustDomain: 'acme.example',
    state: { keys: '/nowhere', leases: '/nowhere', audit: '/nowhere' },
    listen: { workload: [], admin: '/nowhere/admin.sock', public: undefined, health: undefined },
    issuer: { url: ISSUER, signer: 'local' },
    federationUrl: undefined,
    sidecarId: undefined,
    audit: {
      anchors: { policy: undefined, intervalMs: 300_000 },
      replica: undefined,
      hold: false,
      durability: 'node',
      localMax: undefined,
      fiscalYear: { start: '01-01', zone: 'UTC' },
      escrow: undefined,
    },
    fleetSize: 1,
    revokeOnShutdown: 'idle',
    identities,
    providers: new Map(),
    credentials: new Map(credentials.map((each) => [each.name, each])),
  } as Config;
}

export function registryOf(...parts: Parameters<typeof configOf>): Registry {
  return createRegistry(configOf(...parts));
}

/** A process that connected to the socket `app`. */
export function peer(members: Partial<Peer> = {}): Peer {
  return {
    socket: 'app',
    uid: 1001,
    gid: 1001,
    pid: 4242,
    visible: true,
    executable: '/usr/bin/node',
    isAlive: () => true,
    ...members,
  };
}
