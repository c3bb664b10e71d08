import type { IdentityState } from '@tallystick/core';
import { parseState } from './identity-document.ts';
import { readJson, readList, readNumber, readObject, readText } from './read.ts';

/**
 * An event of `GET /v1/events`. Events only take away, never grant: the worst that a forged one can do is to make a
 * workload ask again or stop.
 *
 * A connection begins with a `snapshot`. `epoch` changes when the sidecar restarts; `seq` counts within a connection.
 */
export type SidecarEvent =
  /** The whole truth for this identity and key: what is held and not in `leases` (same epoch) is gone. */
  | {
      readonly type: 'snapshot';
      readonly epoch: string;
      readonly seq: number;
      readonly state: IdentityState;
      readonly leases: readonly string[];
    }
  /** These leases were revoked. */
  | { readonly type: 'revoked'; readonly seq: number; readonly leases: readonly string[] }
  /** These leases should be replaced now; they are good until they are. */
  | { readonly type: 'rotate'; readonly seq: number; readonly leases: readonly string[] }
  /** The identity's state changed. `active` invites to ask again; anything else drops all that is held. */
  | { readonly type: 'state'; readonly seq: number; readonly state: IdentityState }
  /** What the identity may have changed: read `GET /v1/identity` again. */
  | { readonly type: 'changed'; readonly seq: number }
  /** An event of a newer sidecar: ask again for everything held. */
  | { readonly type: 'unknown'; readonly seq: number };

/** How often the sidecar sends a comment on an idle stream. */
export const HEARTBEAT_MS = 5000;
/** After this much silence a workload reconnects. */
export const SILENCE_MS = 15_000;
/** An identity that is `revocable: prompt` does not use cached credentials after this long without a stream. */
export const PROMPT_GRACE_MS = 60_000;

/** Returns the server-sent event of `event`, as bytes on the wire (WHATWG HTML §9.2). */
export function formatEvent(event: SidecarEvent): string {
  const { type, ...data } = event;
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The comment that keeps a stream alive. */
export const HEARTBEAT = ':\n\n';

/**
 * Reads the event of one `event:`/`data:` pair. Each, also of a type that is not known, is a JSON object with `seq`.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function parseEvent(type: string, data: string): SidecarEvent {
  const what = 'event';
  const members = readJson(data, what);
  const seq = readNumber(members, 'seq', what);
  const leases = (): readonly string[] =>
    readList(members, 'leases', what, (item) =>
      typeof item === 'string' ? item : readText(readObject(item, what), 'id', what),
    );
  switch (type) {
    case 'snapshot':
      return {
        type,
        epoch: readText(members, 'epoch', what),
        seq,
        state: parseState(readText(members, 'state', what)),
        leases: leases(),
      };
    case 'revoked':
    case 'rotate':
      return { type, seq, leases: leases() };
    case 'state':
      return { type, seq, state: parseState(readText(members, 'state', what)) };
    case 'changed':
      return { type, seq };
    default:
      return { type: 'unknown', seq };
  }
}
