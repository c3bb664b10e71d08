import { knownRecordOf, neutralText, recordOf, subjectOf, type Leaf } from '@tallystick/audit';

export const RECORD_HEADS: readonly string[] = ['time', 'type', 'outcome', 'who', 'whom', 'lease', 'reason', 'record'];

/** Returns the cells of a record for a terminal, which executes none of them. */
export function recordCells(leaf: Leaf): readonly string[] {
  const place = `${leaf.origin.split('/').slice(-2).join('/')}/${leaf.index}`;
  const record = recordOf(leaf);
  if (!record) return ['-', 'unreadable', '-', '-', '-', '-', '-', place];
  const { time, type, outcome, actor, lease, reason } = record;
  const whom = subjectOf(leaf, record).identities.filter((identity) => identity !== actor);
  const why = reason ?? usedIn(leaf);
  return [time, type, outcome, actor, whom.join(' '), lease, why, place].map((cell) => neutralText(cell || '—'));
}

/** Returns how much a report of use is about, and how far that may be relied on. */
function usedIn(leaf: Leaf): string | undefined {
  const record = knownRecordOf(leaf);
  if (record?.type !== 'usage.reported') return undefined;
  const { uses, grade } = record.body;
  const count = uses.reduce((sum, use) => sum + use.count, 0);
  return `${count} ${count === 1 ? 'use' : 'uses'}, as ${grade}`;
}

/** Returns a record as JSON has it, and where it stands; `record` is null where the leaf holds none. */
export function recordJson(leaf: Leaf): Readonly<Record<string, unknown>> {
  const { origin, index, hash } = leaf;
  return { origin, index, leafHash: hash.toString('base64'), record: recordOf(leaf) ?? null };
}
