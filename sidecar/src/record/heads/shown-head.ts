import { join } from 'node:path';
import { parseCheckpointBody, parseNote, parseOrigin, type LogAnchor } from '@tallystick/audit';
import type { Clock } from '@tallystick/core';
import { readStateFile, writeStateFile } from '../../state/state-file.ts';

const WHAT = 'the head that a workload was shown';
// Beside the keys: whoever puts an older copy of the log in place has not put these back.
const fileIn = (folder: string): string => join(folder, 'shown-head.json');

/**
 * Keeps a head that proves that the log was set back, so that the next start refuses that log too. Its signature was
 * verified.
 *
 * @throws {TallystickError} `state_unusable`
 */
export async function keepShownHead(folder: string, head: string, clock: Pick<Clock, 'nowMs'>): Promise<void> {
  await writeStateFile(fileIn(folder), WHAT, { head, at: new Date(clock.nowMs()).toISOString() });
}

/**
 * Returns the head that was kept, for the opening of the log; undefined where there is none.
 *
 * @throws {TallystickError} `state_unusable`
 */
export async function readShownHead(folder: string): Promise<LogAnchor | undefined> {
  const stored = (await readStateFile(fileIn(folder), WHAT)) as { readonly head: string } | undefined;
  if (!stored) return undefined;
  const { origin, size, root } = parseCheckpointBody(parseNote(Buffer.from(stored.head)).text, 'refuse');
  const { incarnation, shard } = parseOrigin(origin)!;
  return { place: { incarnation, shard }, size, root };
}
