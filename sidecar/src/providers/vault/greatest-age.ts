import type { VaultParts } from './parts.ts';
import type { Engine } from './path.ts';
import type { VaultCall } from './vault-client.ts';

/** Engines whose roles have a `max_ttl`, and the part of the path that stands for `roles`. */
const CREDS: ReadonlyMap<Engine, string> = new Map([
  ['database', '/creds/'],
  ['azure', '/creds/'],
]);

/**
 * Returns how old a lease can become, milliseconds: the less of what its role and its mount allow. A role that the
 * sidecar may not read tells nothing, and a renewal then finds out.
 */
export async function greatestAgeMs(
  { client, answers, mounts }: Pick<VaultParts, 'client' | 'answers' | 'mounts'>,
  engine: Engine,
  path: string,
  call: VaultCall,
): Promise<number> {
  const { maxLeaseMs } = await mounts.of(path, call);
  const part = CREDS.get(engine);
  if (part === undefined || !path.includes(part)) return maxLeaseMs;
  const what = path.replace(part, '/roles/');
  try {
    const { max_ttl: maxSeconds } = answers.object(await client.read(what, call), 'data', what);
    const roleMs = typeof maxSeconds === 'number' ? maxSeconds * 1000 : 0;
    return roleMs > 0 ? Math.min(roleMs, maxLeaseMs) : maxLeaseMs;
  } catch {
    call.signal.throwIfAborted();
    return maxLeaseMs;
  }
}
