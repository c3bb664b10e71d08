import type { EntitlementObject, IdentityObject, IdentityState, Owner } from '@tallystick/core';
import { knownRecordOf, type Leaf } from './leaf.ts';
import type { AuditRecord } from './record.ts';

/** A record that says something. */
export interface Says {
  readonly origin: string;
  readonly seq: number;
  readonly id: string;
  readonly time: string;
}

/** One identity as it was at an instant. */
export interface InventoryItem {
  readonly id: string;
  readonly owner: Owner;
  readonly state: IdentityState;
  readonly entitlements: readonly EntitlementObject[];
  /** The whole object, of which the rest is a part. */
  readonly object: IdentityObject;
  /** Which records say so. */
  readonly says: {
    /** The newest that has the whole object. */
    readonly object: Says;
    /** The newest suspension or resumption; null where there was none. */
    readonly state: Says | null;
  };
}

/** All identities at an instant, by the log alone. */
export interface Inventory {
  /** The instant, RFC 3339. */
  readonly at: string;
  /** Sorted by id. */
  readonly identities: readonly InventoryItem[];
  /** The last record before the instant; null where there is none. */
  readonly upTo: Says | null;
  /** Leaves that hold no record that this release knows: what they say is not in the listing. */
  readonly notJudged: number;
}

/**
 * Returns the inventory at an instant from the leaves of a log, oldest first; of several shards, those of the first one
 * that matters and all later ones.
 *
 * A suspension counts from when it took hold, where it was recorded late. Two runs over the same leaves give the same.
 */
export function inventoryAt(leaves: Iterable<Leaf>, atMs: number): Inventory {
  const items = new Map<string, { object: IdentityObject; suspended: boolean; says: InventoryItem['says'] }>();
  let upTo: Says | null = null;
  let notJudged = 0;
  for (const leaf of leaves) {
    const record = knownRecordOf(leaf);
    if (!record) {
      notJudged += 1;
      continue;
    }
    const says = { origin: record.origin, seq: record.seq, id: record.id, time: record.time };
    const isBefore = Date.parse(record.time) <= atMs;
    if (isBefore) upTo = says;
    else if (!tookHold(record, atMs)) continue;
    switch (record.type) {
      case 'identity.listed':
      case 'identity.registered':
      case 'identity.updated':
      case 'identity.owner_changed': {
        const { object } = record.body;
        const before = items.get(object.id);
        items.set(object.id, {
          object,
          suspended: record.type === 'identity.listed' ? record.body.suspended : (before?.suspended ?? false),
          says: { object: says, state: before?.says.state ?? null },
        });
        break;
      }
      case 'identity.suspended':
      case 'identity.resumed': {
        const { object } = record.body;
        items.set(object.id, {
          object,
          suspended: record.type === 'identity.suspended',
          says: { object: items.get(object.id)?.says.object ?? says, state: says },
        });
        break;
      }
      case 'identity.retired':
        items.delete(record.body.identity);
        break;
      default:
    }
  }
  const identities = [...items.values()]
    .sort((a, b) => (a.object.id < b.object.id ? -1 : 1))
    .map(({ object, suspended, says }) => ({
      id: object.id,
      owner: object.owner,
      state: stateAt(object, suspended, atMs),
      entitlements: object.entitlements,
      object,
      says,
    }));
  return { at: new Date(atMs).toISOString(), identities, upTo, notJudged };
}

/** True for a suspension that was recorded late and held at the instant already. */
function tookHold(record: AuditRecord, atMs: number): boolean {
  if (record.type !== 'identity.suspended') return false;
  const { effectiveAt } = record.body;
  return effectiveAt !== null && Date.parse(effectiveAt) <= atMs;
}

function stateAt(object: IdentityObject, suspended: boolean, atMs: number): IdentityState {
  if (suspended) return 'suspended';
  return atMs >= Date.parse(`${object.expires}T00:00:00Z`) + 86_400_000 ? 'expired' : 'active';
}
