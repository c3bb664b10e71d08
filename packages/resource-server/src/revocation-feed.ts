import {
  indexRevocations,
  JWT_TYPE,
  parseRevocationList,
  type Clock,
  type RevocationIndex,
  type Timer,
  type Timers,
} from '@tallystick/core';
import { exchange } from './exchange.ts';
import { Fault } from './fault.ts';
import type { KeySource } from './key-source.ts';
import { checkSignature, openEnvelope } from './signed-jwt.ts';
import type { IssuerSettings } from './trusted-issuer.ts';

/** What one issuer took back, as far as is known. */
export interface RevocationFeed {
  /**
   * Returns undefined for a token that is not on the list, and a promise where the list has to be read first.
   *
   * @throws {Fault} `token_revoked`, `revocations_unavailable`
   */
  check(token: Parameters<RevocationIndex['revokes']>[0]): void | Promise<void>;
  /** Ends the polling. */
  close(): void;
}

/** The inputs of {@link createRevocationFeed}. */
export interface RevocationFeedOptions {
  readonly issuer: string;
  readonly keys: KeySource;
  readonly settings: NonNullable<IssuerSettings['revocations']>;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** A list in force. */
interface HeldList {
  readonly index: RevocationIndex;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly etag: string | undefined;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 4_194_304;
/** Requests that find no list make it be read, but not more often than this. */
const RETRY_MS = 1_000;
const ENDED = 'the newest list has ended by the clock of this machine';

/**
 * Returns a feed that reads the list of its issuer at once, and then on an interval that does not keep the process
 * alive. A list is signed by a token key of the issuer, and never replaced by an older one.
 */
export function createRevocationFeed({ issuer, keys, settings, clock, timers }: RevocationFeedOptions): RevocationFeed {
  const { location, pollMs, whenStale } = settings;
  let held: HeldList | undefined;
  let failure: unknown;
  let triedMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  let timer: Timer | undefined;
  let closed = false;

  async function read(): Promise<void> {
    triedMs = clock.monotonicMs();
    try {
      const { status, body, etag } = await exchange(location, {
        accept: 'application/jwt',
        maxBytes: MAX_BYTES,
        timeoutMs: TIMEOUT_MS,
        background: true,
        ifNoneMatch: held?.etag,
      });
      if (status !== 304) {
        if (status !== 200) throw new Error(`the answer has status ${status}`);
        const list = await openList(body.trim(), issuer, keys);
        // One who can answer in the place of the issuer must not be able to bring back what was revoked.
        if (!isCurrent() || list.iat >= held!.issuedAt) {
          held = { index: indexRevocations(list.revoked), issuedAt: list.iat, expiresAt: list.exp, etag };
        }
      }
      failure = isCurrent() ? undefined : new Error(ENDED);
    } catch (error) {
      failure = error;
    }
  }

  /** Never rejects; what is held tells. */
  function readOnce(): Promise<void> {
    reading ??= read().finally(() => (reading = undefined));
    return reading;
  }

  const isCurrent = (): boolean => held !== undefined && clock.nowMs() / 1000 < held.expiresAt;

  function poll(): void {
    void readOnce().then(() => {
      if (!closed) timer = timers.after(pollMs, poll);
    });
  }

  function judge(token: Parameters<RevocationIndex['revokes']>[0]): void {
    if (!isCurrent() && whenStale === 'refuse') {
      throw new Fault('revocations_unavailable', `the revocation list of ${issuer} cannot be read at present`, failure);
    }
    if (held?.index.revokes(token)) throw new Fault('token_revoked', 'the token has been revoked');
  }

  poll();
  return {
    check(token) {
      const wasTried = held !== undefined || failure !== undefined;
      if (isCurrent() || (whenStale === 'accept' && wasTried)) return judge(token);
      if (!reading && clock.monotonicMs() - triedMs < RETRY_MS) return judge(token);
      return readOnce().then(() => judge(token));
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

async function openList(jwt: string, issuer: string, keys: KeySource): Promise<ReturnType<typeof parseRevocationList>> {
  const envelope = openEnvelope(jwt);
  if (envelope.typ !== JWT_TYPE.revocations) throw new Error('"typ" is not that of a revocation list');
  await checkSignature(envelope, keys);
  const list = parseRevocationList(envelope.claims);
  if (list.iss !== issuer) throw new Error('"iss" of the revocation list is another');
  return list;
}
