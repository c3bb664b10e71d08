import { recordOf, type Leaf } from './leaf.ts';
import { subjectOf } from './subject.ts';

/** Which records are asked for. All that is given must hold; what is absent excludes nothing. */
export interface RecordQuery {
  /** SPIFFE ID of who did it or whom it concerns. */
  readonly identity?: string;
  /** Id of who answered for the identity then. */
  readonly owner?: string;
  /** A business process, registered or claimed. */
  readonly process?: string;
  /** A run, as it was claimed. */
  readonly run?: string;
  readonly lease?: string;
  readonly outcome?: string;
  /** A type, or a family of types as `credential.*`. */
  readonly type?: string;
  /** The first instant that counts, RFC 3339. */
  readonly from?: string;
  /** The first instant that no longer counts. */
  readonly to?: string;
}

/** Why a leaf is not selected: the first of these that does not hold. `unreadable`: it holds no record. */
export const EXCLUSIONS = [
  'unreadable',
  'period',
  'type',
  'outcome',
  'identity',
  'owner',
  'process',
  'run',
  'lease',
] as const;

export type Exclusion = (typeof EXCLUSIONS)[number];

/**
 * Returns what decides of each leaf whether a query selects it: null when it does, else the one reason why not, so
 * that what was selected and what was excluded add up to the whole.
 *
 * @throws {RangeError} `from` or `to` is not an instant.
 */
export function compileQuery(query: RecordQuery): (leaf: Leaf) => Exclusion | null {
  const from = query.from === undefined ? -Infinity : instant(query.from);
  const to = query.to === undefined ? Infinity : instant(query.to);
  return (leaf) => {
    const record = recordOf(leaf);
    if (!record) return 'unreadable';
    const at = Date.parse(record.time);
    if (!(at >= from && at < to)) return 'period';
    if (query.type !== undefined && !isOfFamily(record.type, query.type)) return 'type';
    if (query.outcome !== undefined && record.outcome !== query.outcome) return 'outcome';
    const { identities, leases, owners, runs, processes } = subjectOf(leaf, record);
    if (query.identity !== undefined && !identities.includes(query.identity)) return 'identity';
    if (query.owner !== undefined && !owners.includes(query.owner)) return 'owner';
    if (query.process !== undefined && !processes.includes(query.process)) return 'process';
    if (query.run !== undefined && !runs.includes(query.run)) return 'run';
    if (query.lease !== undefined && !leases.includes(query.lease)) return 'lease';
    return null;
  };
}

function isOfFamily(type: string, asked: string): boolean {
  return asked.endsWith('.*') ? type.startsWith(asked.slice(0, -1)) : type === asked;
}

function instant(text: string): number {
  const ms = Date.parse(text);
  if (!Number.isFinite(ms)) throw new RangeError(`"${text.slice(0, 64)}" is not an instant`);
  return ms;
}
