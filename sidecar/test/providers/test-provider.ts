import type { Binding, CredentialType } from '@tallystick/core';
import type { CredentialConfig } from '../../src/config/config.ts';
import type { Made, MintOrder, Provider, RenewOrder } from '../../src/providers/provider.ts';
import type { Upstreams } from '../../src/providers/upstreams.ts';
import { credential } from '../acme.ts';

/** An upstream in memory: what it is asked for, and what it answers, is the test's to see and to say. */
export interface TestProvider extends Provider {
  readonly orders: MintOrder[];
  readonly renewals: RenewOrder[];
  /** Handles that were ended. */
  readonly ended: string[];
  /** Called for each order; makes a login by default. */
  making: (order: MintOrder) => Promise<Partial<Made>> | Partial<Made>;
  renewing: (handle: string, order: RenewOrder) => Promise<number>;
  ending: (handle: string) => Promise<'revoked' | 'not_found'>;
}

/** Returns an upstream that makes logins which live as long as was asked for. */
export function testProvider(clock: { nowMs(): number }): TestProvider {
  const provider: TestProvider = {
    orders: [],
    renewals: [],
    ended: [],
    making: () => ({}),
    renewing: async (_handle, { lifetimeMs }) => clock.nowMs() + lifetimeMs,
    ending: async () => 'revoked',
    async mint(order) {
      const handle = `handle of ${order.leaseId}`;
      await order.keep(handle);
      provider.orders.push(order);
      const made = await provider.making(order);
      return {
        material: { username: `user-${provider.orders.length}`, password: `canary-${provider.orders.length}` },
        expiresAtMs: clock.nowMs() + order.lifetimeMs,
        handles: { databaseUser: `user-${provider.orders.length}` },
        handle,
        ...made,
      };
    },
    async renew(handle, order) {
      provider.renewals.push(order);
      return { expiresAtMs: await provider.renewing(handle, order), renewableUntilMs: clock.nowMs() + 3_600_000 };
    },
    async end(handle) {
      const outcome = await provider.ending(handle);
      provider.ended.push(handle);
      return outcome;
    },
    check: async () => [],
    close: async () => {},
  };
  return provider;
}

/** Upstreams of which each is `provider`. */
export function upstreamsOf(provider: Provider): Upstreams {
  return {
    get: async () => provider,
    credential: () => undefined,
    within: (run) => run(new AbortController().signal),
    apply: () => new Set(),
    closeUnused: () => {},
    status: () => [],
    close: () => provider.close(),
  };
}

/** A credential of an upstream that is called `test-db`. */
export function upstreamCredential(
  name: string,
  members: Partial<CredentialConfig> & { type?: CredentialType; binding?: Binding } = {},
): CredentialConfig {
  return credential(name, {
    provider: 'test-db',
    type: 'database',
    binding: 'none',
    audience: undefined,
    scope: [],
    holders: 'shared',
    wanted: { path: `database/creds/${name}` },
    ...members,
  });
}
