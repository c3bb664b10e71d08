import { neutralText, recordOf, subjectOf, type Leaf } from '@tallystick/audit';

export const RECORD_HEADS: readonly string[] = ['time', 'type', 'outcome', 'who', 'whom', 'lease', 'reason', 'record'];

/** Returns the cells of a record for a terminal, which executes none of them. */
export function recordCells(leaf: Leaf): readonly string[] {
  const place = `${leaf.origin.split('/').slice(-2).join('/')}/${leaf.index}`;
  const record = recordOf(leaf);
  if (!record) return ['-', 'unreadable', '-', '-', '-', '-', '-', place];
  const { time, type, outcome, actor, lease, reason } = record;
  const whom = subjectOf(leaf, record).identities.filter((identity) => identity !== actor);
  return [time, type, outcome, actor, whom.join(' '), lease, reason, place].map((cell) => neutralText(cell || '—'));
}

/** Returns a record as JSON has it, and where it stands; `record` is null where the leaf holds none. */
export function recordJson(leaf: Leaf): Readonly<Record<string, unknown>> {
  const { origin, index, hash } = leaf;
  return { origin, index, leafHash: hash.toString('base64'), record: recordOf(leaf) ?? null };
}
