import { TallystickError } from '@tallystick/core';
import type { Renewed, RenewOrder } from '../provider.ts';
import type { VaultWanted } from '../vault.ts';
import { parseHandle } from './handle.ts';
import type { VaultParts } from './parts.ts';
import type { VaultCall } from './vault-client.ts';

/** What rounding to seconds takes from a time that is given in full. */
const ROUNDING_MS = 2000;

/**
 * Extends the session, the token of the lease and Vault's lease, in this order: each depends on the one before. What is
 * promised is the least of the three.
 */
export async function renewChild(parts: VaultParts, handle: string, order: RenewOrder<VaultWanted>): Promise<Renewed> {
  const { name, client, answers, sessions, clock } = parts;
  const { lifetimeMs, signal } = order;
  const { accessor, made } = parseHandle(handle);
  if (!made) throw new TallystickError('upstream_not_found', `"${name}" has made nothing that could be extended`);
  signal.throwIfAborted();
  const nowMs = clock.nowMs();
  const wantedMs = nowMs + lifetimeMs;
  const sessionEndMs = await sessions.extend(made.session, lifetimeMs, signal);
  const expiresAtMs = await sessions.use(0, signal, async ({ token }) => {
    const call = { token, signal };
    const increment = Math.ceil(lifetimeMs / 1000);
    const ofToken = 'auth/token/renew-accessor';
    const auth = answers.object(await client.write(ofToken, { accessor, increment }, call), 'auth', ofToken);
    const tokenMs = answers.seconds(auth, 'lease_duration', ofToken) * 1000;
    const ofLease = 'sys/leases/renew';
    const lease = await client.write(ofLease, { lease_id: made.vaultLease, increment }, call);
    const leaseMs = answers.seconds(lease, 'lease_duration', ofLease) * 1000;
    return Math.min(wantedMs, sessionEndMs, nowMs + tokenMs, nowMs + leaseMs);
  });
  // Less than was asked for is all that there is to have.
  const isLast = expiresAtMs < wantedMs - ROUNDING_MS;
  return { expiresAtMs, renewableUntilMs: isLast ? expiresAtMs : Math.max(made.untilMs, expiresAtMs) };
}

/** Ends the token of a lease, and with it all that was made by it. */
export function endChild(parts: VaultParts, handle: string, signal: AbortSignal): Promise<'revoked' | 'not_found'> {
  const { accessor } = parseHandle(handle);
  return parts.sessions.use(0, signal, ({ token }) => endToken(parts, accessor, { token, signal }));
}

/** Ends a token by its accessor. */
export async function endToken(
  { client }: Pick<VaultParts, 'client'>,
  accessor: string,
  call: VaultCall,
): Promise<'revoked' | 'not_found'> {
  try {
    const { warnings } = await client.write('auth/token/revoke-accessor', { accessor }, call);
    // One that is not there is a warning since Vault 1.10, and an error before.
    return Array.isArray(warnings) && warnings.length > 0 ? 'not_found' : 'revoked';
  } catch (error) {
    if (TallystickError.is(error) && error.code === 'upstream_not_found') return 'not_found';
    throw error;
  }
}
