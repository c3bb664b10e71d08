/** What kind of machine an identity stands for. Open on the wire: an unknown one is a `workload`. */
export type IdentityKind = 'workload' | 'service' | 'ai_agent' | 'ci_job' | 'device';

/** Who answers for an identity, as ids of the organisation's directory: never an e-mail address or a name. */
export interface Owner {
  readonly id: string;
  readonly kind: 'team' | 'role' | 'person';
  /** The role or person accountable when the owner is a team. Null when nobody is named. */
  readonly accountable: string | null;
  /** The owner's id when the first one is gone. Null when none is named. */
  readonly backup: string | null;
}

/** Whether an identity may get credentials. `expired` follows from its date, `suspended` from an operator. */
export type IdentityState = 'active' | 'suspended' | 'expired';

/** How sure the sidecar is of who is at the other end, weakest first. */
export type Assurance = 'socket' | 'process' | 'platform';

/** The order of {@link Assurance}: a higher one satisfies a lower demand. */
export const ASSURANCE_RANK: Readonly<Record<Assurance, number>> = { socket: 0, process: 1, platform: 2 };

/** That an identity may have a credential. */
export interface EntitlementObject {
  readonly credential: string;
  /** Narrows the credential's scope for this identity. Null: the credential's own. */
  readonly scope: string | null;
  readonly minAssurance: Assurance;
}

/**
 * One identity as the registry holds it: parsed, with its defaults, free of secrets. This is what the registry
 * digest is computed over, so a member that is added changes every digest.
 */
export interface IdentityObject {
  /** A SPIFFE ID. */
  readonly id: string;
  readonly kind: IdentityKind;
  readonly owner: Owner;
  readonly purpose: string;
  readonly environment: string;
  readonly businessProcesses: readonly string[];
  /** The last day on which it is good, `YYYY-MM-DD`; it ends at 24:00 UTC. */
  readonly expires: string;
  /** Alternatives; within one, every selector must hold. */
  readonly match: readonly (readonly string[])[];
  /** How fast a revocation takes hold: at the token's `exp`, or within a minute (`prompt`). */
  readonly revocable: 'exp' | 'prompt';
  /** Audiences this identity is the API of; it may introspect tokens for them. */
  readonly receives: readonly string[];
  readonly entitlements: readonly EntitlementObject[];
}
