import { canonicalJson, leafHash, merkleRoot, type IdentityObject, type Json } from '@tallystick/core';
import type { AuditRecord } from './record.ts';

/** What the log says of one identity at some place in it. */
export interface RegisteredIdentity {
  /** Digest of its object, base64url. */
  readonly entry: string;
  /** After this instant it may have nothing: 24:00 UTC of its last day, in milliseconds since the epoch. */
  readonly endsMs: number;
  readonly suspended: boolean;
}

/** The registry as the log itself tells it: objects come and go by `identity.*` records. Holds digests, not objects. */
export class RegistryInForce {
  readonly #identities = new Map<string, RegisteredIdentity & { readonly hash: Buffer }>();
  #root: string | undefined;

  get size(): number {
    return this.#identities.size;
  }

  get(id: string): RegisteredIdentity | undefined {
    return this.#identities.get(id);
  }

  /** Applies a record. Returns true when the root may have changed. */
  apply(record: AuditRecord): boolean {
    switch (record.type) {
      case 'identity.listed':
        this.#set(record.body.object, record.body.suspended);
        return true;
      case 'identity.registered':
      case 'identity.updated':
      case 'identity.owner_changed':
        this.#set(record.body.object, this.get(record.body.identity)?.suspended ?? false);
        return true;
      case 'identity.suspended':
      case 'identity.resumed':
        this.#set(record.body.object, record.type === 'identity.suspended');
        return true;
      case 'identity.retired':
        this.#root = undefined;
        return this.#identities.delete(record.body.identity);
      default:
        return false;
    }
  }

  /** The RFC 6962 root over the objects, sorted by id, in base64url: what records name as `registry.root`. */
  root(): string {
    this.#root ??= merkleRoot(
      [...this.#identities].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { hash }]) => hash),
    ).toString('base64url');
    return this.#root;
  }

  #set(object: IdentityObject, suspended: boolean): void {
    const hash = leafHash(Buffer.from(canonicalJson(object as unknown as Json)));
    const endsMs = Date.parse(`${object.expires}T00:00:00Z`) + 86_400_000;
    this.#identities.set(object.id, { entry: hash.toString('base64url'), endsMs, suspended, hash });
    this.#root = undefined;
  }
}
