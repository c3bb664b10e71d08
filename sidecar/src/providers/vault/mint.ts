import type { Made, MintOrder } from '../provider.ts';
import { engineOf, type VaultWanted } from '../vault.ts';
import { makeChildToken, type ChildToken } from './child-token.ts';
import type { EngineMade } from './engine.ts';
import { ENGINE_MAKERS, mayBeLeased } from './engines.ts';
import { greatestAgeMs } from './greatest-age.ts';
import { formatHandle } from './handle.ts';
import type { VaultParts } from './parts.ts';
import { endToken } from './renew.ts';
import type { Session } from './sessions.ts';

/**
 * Makes a credential: a token that is named after the lease, and by it what the engine gives. What ends the token ends all
 * that was made by it, and is kept before anything is.
 */
export function mintFromVault(parts: VaultParts, order: MintOrder<VaultWanted>): Promise<Made> {
  return parts.sessions.use(order.lifetimeMs, order.signal, (session) => mintBy(session, parts, order));
}

async function mintBy(session: Session, parts: VaultParts, order: MintOrder<VaultWanted>): Promise<Made> {
  const { name, client, answers, mounts, clock } = parts;
  const { wanted, signal } = order;
  const engine = engineOf(wanted);
  const isHeld = mayBeLeased(engine, wanted.path);
  const nowMs = clock.nowMs();
  const child = await makeChildToken(parts, session, order, isHeld, nowMs);
  let isKept = false;
  try {
    if (isHeld) {
      await order.keep(formatHandle({ accessor: child.accessor }));
      isKept = true;
    }
    const call = { token: child.token, signal };
    const made = await ENGINE_MAKERS[engine]({ order, call, client, answers, mounts, name, nowMs });
    const ownEndMs = Math.min(nowMs + order.lifetimeMs, made.expiresAtMs ?? Infinity);
    if (made.vaultLease !== '') return await holdBy(child, session, made, ownEndMs, nowMs, parts, order);
    letGo(child, session, parts);
    return { material: made.material, handles: made.handles, expiresAtMs: ownEndMs };
  } catch (error) {
    // Whoever keeps it ends it and puts that on record; ended here too, it would be on record as never found.
    if (!isKept) letGo(child, session, parts);
    throw error;
  }
}

/** What has a lease ends with the token, and is extended with it. */
async function holdBy(
  child: ChildToken,
  session: Session,
  made: EngineMade,
  ownEndMs: number,
  nowMs: number,
  parts: VaultParts,
  { wanted, signal }: MintOrder<VaultWanted>,
): Promise<Made> {
  const { vaultLease } = made;
  const call = { token: session.token, signal };
  const expiresAtMs = Math.min(ownEndMs, child.expiresAtMs);
  const untilMs = made.renewable
    ? nowMs + (await greatestAgeMs(parts, engineOf(wanted), wanted.path, call))
    : expiresAtMs;
  const hmac =
    parts.auditDevice === undefined ? undefined : await leaseHmac(parts, parts.auditDevice, vaultLease, call);
  return {
    material: made.material,
    expiresAtMs,
    handles: { ...made.handles, ...(hmac !== undefined && { vaultLeaseHmac: hmac }) },
    handle: formatHandle({
      accessor: child.accessor,
      made: { session: session.accessor, vaultLease, untilMs },
    }),
    renewableUntilMs: made.renewable ? Math.max(untilMs, expiresAtMs) : undefined,
  };
}

/** Without the right to ask for it, records lack it. */
async function leaseHmac(
  { client, answers }: VaultParts,
  device: string,
  vaultLease: string,
  call: { token: string; signal: AbortSignal },
): Promise<string | undefined> {
  const what = `sys/audit-hash/${device}`;
  try {
    const data = answers.object(await client.write(what, { input: vaultLease }, call), 'data', what);
    return answers.text(data, 'hash', what);
  } catch {
    call.signal.throwIfAborted();
    return undefined;
  }
}

function letGo({ accessor }: ChildToken, session: Session, parts: VaultParts): void {
  if (accessor !== '') parts.aside((signal) => endToken(parts, accessor, { token: session.token, signal }));
}
