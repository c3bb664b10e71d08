import type { AuditRecord } from '@tallystick/audit';

/** Why a token was no longer good. */
export type EndCode = 'revoked' | 'suspended' | 'ended';

/** When a token was no longer good, in milliseconds since the epoch, and why. */
export interface End {
  readonly code: EndCode;
  readonly atMs: number;
}

/** Which token is asked about. */
export interface EndedToken {
  readonly identity: string;
  readonly jkt: string;
  /** Its first release. */
  readonly madeMs: number;
  /** When it ends by itself. */
  readonly endsMs: number | null;
}

/**
 * The rights of identities and keys that ended early, as the log tells of them. Grows with the commands of operators,
 * not with releases.
 */
export class EndedRights {
  readonly #ofIdentity = new Map<string, End[]>();
  readonly #ofKey = new Map<string, number>();

  apply(record: AuditRecord): void {
    switch (record.type) {
      case 'identity.suspended':
        this.#end(record.body.identity, 'suspended', Date.parse(record.body.effectiveAt ?? record.time));
        return;
      case 'identity.retired':
        this.#end(record.body.identity, 'revoked', Date.parse(record.time));
        return;
      case 'credential.revoked': {
        const { identity, jkt, leases, effectiveAt } = record.body;
        const atMs = Date.parse(effectiveAt ?? record.time);
        if (jkt !== null) this.#ofKey.set(jkt, Math.min(atMs, this.#ofKey.get(jkt) ?? Infinity));
        // One that names leases is of these alone.
        else if (identity !== null && leases.length === 0) this.#end(identity, 'revoked', atMs);
        return;
      }
      default:
    }
  }

  /** Returns the first end of a token: resuming an identity never brings back what it held before. */
  endOf({ identity, jkt, madeMs, endsMs }: EndedToken, revokedMs: number | undefined): End | undefined {
    const keyMs = this.#ofKey.get(jkt);
    const ends: End[] = (this.#ofIdentity.get(identity) ?? []).filter(({ atMs }) => atMs >= madeMs);
    if (keyMs !== undefined) ends.push({ code: 'revoked', atMs: keyMs });
    if (revokedMs !== undefined) ends.push({ code: 'revoked', atMs: revokedMs });
    if (endsMs !== null) ends.push({ code: 'ended', atMs: endsMs });
    return ends.reduce<End | undefined>((first, end) => (first && first.atMs <= end.atMs ? first : end), undefined);
  }

  #end(identity: string, code: EndCode, atMs: number): void {
    const ends = this.#ofIdentity.get(identity) ?? [];
    ends.push({ code, atMs });
    this.#ofIdentity.set(identity, ends);
  }
}
