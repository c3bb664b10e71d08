/** What telemetry says of an identity. Treated as immutable: its attributes are computed once. */
export interface TelemetryIdentity {
  /** A SPIFFE ID. */
  readonly id: string;
  readonly trustDomain: string;
  /** Absent where it is not known: a workload is not told its own. */
  readonly kind?: string | undefined;
  readonly owner: { readonly id: string; readonly kind: string };
  readonly environment: string;
  /** The business processes that it is registered for. */
  readonly processes: readonly string[];
  /** Hosts of the APIs that its credentials are for: what it acts for may be told there. Absent: none. */
  readonly hosts?: readonly string[] | undefined;
}

// On globalThis, so that a service and its dependencies agree although each brought a copy of this package.
const SLOT = Symbol.for('tallystick.service-identity');
const slot = ((globalThis as Record<symbol, unknown>)[SLOT] ??= {}) as { identity?: TelemetryIdentity | undefined };

/**
 * Makes `identity` the one that every span of this thread carries unless its context names another; undefined leaves
 * them without. The SDK calls it when it connects and when it closes.
 */
export function setServiceIdentity(identity: TelemetryIdentity | undefined): void {
  slot.identity = identity;
}

/** Returns what {@link setServiceIdentity} was last called with. */
export function currentIdentity(): TelemetryIdentity | undefined {
  return slot.identity;
}
