import type { AccessToken } from './access-token.ts';
import type { RefusalReason } from './reason.ts';

/** What is told alike of one request after another. */
export interface Verified {
  /** Undefined where no signature was found good: what such a token says is not told. */
  readonly token: AccessToken | undefined;
  /** As {@link methodName} gives it. */
  readonly method: string;
  /** URL origin of the API; undefined where the request named none of them. */
  readonly origin: string | undefined;
  /** The check that failed; undefined where none did. */
  readonly reason: RefusalReason | undefined;
}

/** Requests of one kind, counted. Times in milliseconds since the epoch. */
export interface Tallied extends Verified {
  readonly firstMs: number;
  lastMs: number;
  count: number;
}

/** Counts verifications by what is told of them. */
export interface ReceiptTally {
  /** On the way of every request: one that is like another allocates nothing. */
  add(verified: Verified, nowMs: number): void;
  /** Returns what was counted, and begins anew. */
  drain(): readonly Tallied[];
  readonly isEmpty: boolean;
  /** Requests that were not counted, because there were too many kinds at once. */
  readonly lost: number;
}

/** @param maxKinds How many kinds are kept apart until they are drained: what the memory is bounded by. */
export function createReceiptTally(maxKinds: number): ReceiptTally {
  let byToken = new Map<AccessToken | undefined, Tallied[]>();
  let kinds = 0;
  let lost = 0;
  return {
    add({ token, method, origin, reason }, nowMs) {
      const ofToken = byToken.get(token);
      const known = ofToken?.find((each) => each.method === method && each.origin === origin && each.reason === reason);
      if (known) {
        known.count += 1;
        // A clock that is set back does not make an interval end before it begins.
        if (nowMs > known.lastMs) known.lastMs = nowMs;
        return;
      }
      if (kinds >= maxKinds) {
        lost += 1;
        return;
      }
      kinds += 1;
      const added = { token, method, origin, reason, firstMs: nowMs, lastMs: nowMs, count: 1 };
      if (ofToken) ofToken.push(added);
      else byToken.set(token, [added]);
    },
    drain() {
      const drained = [...byToken.values()].flat();
      byToken = new Map();
      kinds = 0;
      return drained;
    },
    get isEmpty() {
      return kinds === 0;
    },
    get lost() {
      return lost;
    },
  };
}

const METHODS: ReadonlySet<string> = new Set(
  ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'CONNECT', 'TRACE'], // RFC 9110, RFC 5789
);

/** Returns the name by which a method is told: a client may make up any, and each would be a kind of its own. */
export function methodName(method: string): string {
  return METHODS.has(method) ? method : '_OTHER';
}
