import type { ErrorCode } from '@tallystick/core';
import type { Peer } from './peer.ts';

/**
 * Why something was refused before its route was looked at: the code it was answered with, or, where there was
 * nothing to answer, `connection_limit`, `peer_unreadable` or `accept_failed` (out of descriptors). Fit for a metric
 * label.
 */
export type RefusalReason = ErrorCode | 'connection_limit' | 'peer_unreadable' | 'accept_failed';

/** Hears of each refusal, as it happens. `peer` is undefined on TCP and where it could not be read. */
export type RefusalListener = (reason: RefusalReason, peer: Peer | undefined) => void;

/** What a listener has counted since its start. */
export interface ListenCounts {
  /** Connections accepted, also those refused at once. */
  readonly accepted: number;
  /** Requests that reached the handler. */
  readonly requests: number;
  /** Open now. */
  readonly connections: number;
  /** Being answered now, without event streams. */
  readonly inFlight: number;
  /** Open event streams. */
  readonly streams: number;
  readonly refused: ReadonlyMap<RefusalReason, number>;
}
