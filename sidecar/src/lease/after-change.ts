import type { Config, CredentialConfig } from '../config/config.ts';
import type { Provider } from '../providers/provider.ts';
import { settingsOf } from '../providers/upstreams.ts';
import type { Lease } from './lease.ts';

/** What a new configuration means for leases of upstreams. */
export interface AfterChange {
  /** Their upstream is not there any more: they end at once. */
  readonly gone: readonly Lease[];
  /** Made in a way that the configuration no longer has: they are to be replaced. */
  readonly outdated: readonly Lease[];
}

/**
 * Sorts leases by what becomes of them. Pure.
 *
 * @param letGo Providers as they were, whose settings have changed.
 */
export function judgeAfterChange(leases: Iterable<Lease>, letGo: ReadonlySet<Provider>, next: Config): AfterChange {
  const [gone, outdated]: [Lease[], Lease[]] = [[], []];
  for (const lease of leases) {
    const { upstream, key, stale } = lease;
    if (!upstream) continue;
    const { credential } = key;
    if (!next.providers.has(credential.provider)) gone.push(lease);
    else if (!stale && (letGo.has(upstream.provider) || isOther(credential, next.credentials.get(credential.name)))) {
      outdated.push(lease);
    }
  }
  return { gone, outdated };
}

/** True where what is being made as `before` has it would be made otherwise as `next` has it. Pure. */
export function isMadeOtherwise(credential: CredentialConfig, before: Config, next: Config): boolean {
  const [was, is] = [before.providers.get(credential.provider), next.providers.get(credential.provider)];
  const isChanged = was && is ? settingsOf(was) !== settingsOf(is) : was !== is;
  return isChanged || isOther(credential, next.credentials.get(credential.name));
}

/** True where another would be made now. One that is no more was taken from its identities. */
function isOther(before: CredentialConfig, after: CredentialConfig | undefined): boolean {
  if (after === undefined) return false;
  return after.provider !== before.provider || JSON.stringify(after.wanted) !== JSON.stringify(before.wanted);
}
