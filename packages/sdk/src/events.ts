import type { SidecarEvent } from '@tallystick/protocol';

/** What an event makes this side do. None of them grants anything. */
export type Consequence =
  /** Give up these leases: they were revoked. */
  | { readonly kind: 'revoke'; readonly leases: readonly string[] }
  /** Give up all that is held. */
  | { readonly kind: 'revoke-all'; readonly state: 'suspended' | 'expired' }
  /** Ask anew for these leases, and serve them until then. */
  | { readonly kind: 'replace'; readonly leases: readonly string[] }
  /** Ask anew for all that is held, spread over 5 s, and serve it until then. */
  | { readonly kind: 'ask-again' }
  /** Read anew who we are and what we may have. */
  | { readonly kind: 'read-identity' }
  /** What was refused or failed before may succeed now. */
  | { readonly kind: 'forgive' };

/** What this side holds when an event comes. */
export interface HeldView {
  /** The epoch of the last snapshot; undefined before the first. */
  readonly epoch: string | undefined;
  /** `settled`: it was here before the stream was asked for, so that a snapshot must name it. */
  readonly leases: readonly { readonly id: string; readonly settled: boolean }[];
}

/** Returns what follows from an event (the rules of revocation: events only take away). */
export function consequencesOf(event: SidecarEvent, held: HeldView): readonly Consequence[] {
  switch (event.type) {
    case 'snapshot': {
      if (event.state !== 'active') return [{ kind: 'revoke-all', state: event.state }];
      // A sidecar that was restarted knows none of the leases, and some of them may still be good.
      if (held.epoch !== undefined && held.epoch !== event.epoch) {
        return [{ kind: 'forgive' }, { kind: 'read-identity' }, { kind: 'ask-again' }];
      }
      const live = new Set(event.leases);
      const gone = held.leases.filter((lease) => lease.settled && !live.has(lease.id)).map((lease) => lease.id);
      return gone.length === 0 ? [{ kind: 'forgive' }] : [{ kind: 'forgive' }, { kind: 'revoke', leases: gone }];
    }
    case 'revoked':
      return [{ kind: 'revoke', leases: event.leases }];
    case 'rotate':
      return [{ kind: 'replace', leases: event.leases }];
    case 'state':
      return event.state === 'active' ? [{ kind: 'forgive' }] : [{ kind: 'revoke-all', state: event.state }];
    case 'changed':
      return [{ kind: 'forgive' }, { kind: 'read-identity' }];
    case 'unknown':
      return [{ kind: 'ask-again' }];
  }
}
