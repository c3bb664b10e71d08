import type { MintOrder } from '../provider.ts';
import type { AnswerReader } from './answers.ts';
import type { Session } from './sessions.ts';
import type { VaultClient } from './vault-client.ts';

/** The token that one credential is made by. It is never handed out. */
export interface ChildToken {
  readonly token: string;
  /** Names it without being it; empty where nobody can name it. */
  readonly accessor: string;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** For what is read once: long enough for that, and no longer. */
const ONCE_SECONDS = 60;

/**
 * Makes a token for one order, which Vault's audit log then names by the lease id. It is a child of the session: an
 * orphan would take rights of root. One whose end is to end what it makes lives as long as that; one that only reads is a
 * batch token, which Vault keeps nowhere.
 */
export async function makeChildToken(
  { client, answers }: { readonly client: VaultClient; readonly answers: AnswerReader },
  session: Session,
  order: MintOrder,
  isHeld: boolean,
  nowMs: number,
): Promise<ChildToken> {
  const what = 'auth/token/create';
  const seconds = isHeld ? Math.ceil(order.lifetimeMs / 1000) : ONCE_SECONDS;
  const isRoot = session.policies.includes('root');
  const body = {
    display_name: order.leaseId,
    policies: session.policies.filter((each) => each !== 'default'),
    no_default_policy: true,
    ttl: `${seconds}s`,
    renewable: isHeld,
    // A batch token cannot be root.
    type: isHeld || isRoot ? 'service' : 'batch',
    meta: metaOf(order),
  };
  const given = answers.token(await client.write(what, body, { token: session.token, signal: order.signal }), what);
  const { token, accessor, ttlMs } = given;
  return { token, accessor, expiresAtMs: Math.min(nowMs + ttlMs, session.expiresAtMs) };
}

function metaOf({ leaseId, identity, process }: MintOrder): Readonly<Record<string, string>> {
  return {
    lease: leaseId,
    identity: identity.id,
    owner: identity.owner.id,
    ...(process && { process: process.id }),
    ...(process?.run !== undefined && { run: process.run }),
  };
}
