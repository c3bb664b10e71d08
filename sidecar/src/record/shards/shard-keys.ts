import type { LogPlace } from '@tallystick/audit';
import { removeLogKey, shardsWithKeys } from '../../state/log-key.ts';

/**
 * How much of the newest shard is known outside of this machine: the size of its newest anchored head, 0 for none.
 * `not_asked` where nobody outside is asked.
 */
export type AnchoredSize = number | 'not_asked';

/**
 * True where the private keys of closed shards may go. Their closing heads are published, and each is carried by the
 * first record of the next shard; where heads are anchored, that record has to be under an anchored one. Pure.
 */
export function mayForgetKeys(anchored: AnchoredSize): boolean {
  return anchored === 'not_asked' || anchored > 0;
}

/**
 * Removes the private keys of closed shards where they may go: whoever takes this machine later cannot sign another
 * history of those shards. Returns whose keys are gone, and whether any may not go yet.
 *
 * @param folder Of the keys.
 * @param newest The shard that takes records. Those before it, of its incarnation, are closed.
 */
export async function forgetKeys(
  folder: string,
  newest: LogPlace,
  anchored: AnchoredSize,
): Promise<{ readonly gone: readonly LogPlace[]; readonly isWaiting: boolean }> {
  const closed = (await shardsWithKeys(folder, newest.incarnation)).filter(({ shard }) => shard < newest.shard);
  if (!mayForgetKeys(anchored)) return { gone: [], isWaiting: closed.length > 0 };
  for (const place of closed) await removeLogKey(folder, place);
  return { gone: closed, isWaiting: false };
}
