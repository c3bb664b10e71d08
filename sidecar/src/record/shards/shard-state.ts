import type { AuditRecord, RecordBodies } from '@tallystick/audit';
import type { IdentityObject } from '@tallystick/core';

/** An identity as the log tells of it. */
export interface ListedIdentity {
  readonly object: IdentityObject;
  readonly suspended: boolean;
}

export type CarriedIntent = RecordBodies['log.carried']['intents'][number];

/**
 * What a shard leaves open, as its records say in their order: which identities there are, and which intents have no
 * outcome yet. The next shard begins with it, so that it can be read without the ones before.
 */
export class ShardState {
  readonly #identities = new Map<string, ListedIdentity>();
  readonly #intents = new Map<string, CarriedIntent>();

  /** By id. */
  get identities(): ListedIdentity[] {
    return [...this.#identities].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, listed]) => listed);
  }

  get intents(): CarriedIntent[] {
    return [...this.#intents.values()];
  }

  /** Takes what was known before: of a log that was opened, not begun. */
  seed(identities: Iterable<IdentityObject>, isSuspended: (id: string) => boolean): void {
    for (const object of identities) this.#identities.set(object.id, { object, suspended: isSuspended(object.id) });
  }

  /** Told of each record, in the order of the log. */
  note(record: AuditRecord): void {
    switch (record.type) {
      case 'identity.listed':
        this.#identities.set(record.body.identity, { object: record.body.object, suspended: record.body.suspended });
        return;
      case 'identity.registered':
      case 'identity.updated':
      case 'identity.owner_changed':
        this.#identities.set(record.body.identity, {
          object: record.body.object,
          suspended: this.#identities.get(record.body.identity)?.suspended ?? false,
        });
        return;
      case 'identity.suspended':
      case 'identity.resumed':
        this.#identities.set(record.body.identity, {
          object: record.body.object,
          suspended: record.type === 'identity.suspended',
        });
        return;
      case 'identity.retired':
        this.#identities.delete(record.body.identity);
        return;
      case 'credential.intent':
        if (record.lease === null) return;
        this.#intents.set(record.id, {
          id: record.id,
          lease: record.lease,
          origin: record.origin,
          time: record.time,
        });
        return;
      case 'credential.outcome':
        // Nobody knows yet what the upstream did.
        if (record.body.status === 'unknown' || record.body.status === 'unreachable') return;
        if (record.corr !== null) this.#intents.delete(record.corr);
        return;
      case 'credential.released':
      case 'credential.rotated':
        if (record.corr !== null) this.#intents.delete(record.corr);
        return;
      default:
    }
  }
}
