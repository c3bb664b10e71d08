import { TallystickError, type Clock } from '@tallystick/core';
import { jsonOf, refusalOf, type UpstreamHttp } from '../upstream-http.ts';
import { metadataUrls, readServerMetadata, type ServerMetadata } from './server-metadata.ts';

/** Finds out about an authorization server. */
export interface Discovery {
  /**
   * Returns its metadata, from memory for an hour; many that ask at once share one request. What was known before is
   * good on while the server does not answer.
   *
   * @throws {TallystickError} `upstream_*`
   */
  metadata(): Promise<ServerMetadata>;
  /** Reads its metadata anew. @throws {TallystickError} `upstream_*` */
  refresh(): Promise<ServerMetadata>;
}

/** The inputs of {@link createDiscovery}. */
export interface DiscoveryOptions {
  /** Name of the provider. */
  readonly name: string;
  readonly issuer: string;
  readonly http: UpstreamHttp;
  readonly clock: Clock;
  /** Aborts when the provider closes. */
  readonly closed: AbortSignal;
}

const GOOD_FOR_MS = 3_600_000;
const ASK_AGAIN_MS = 60_000;
const DEADLINE_MS = 10_000;

export function createDiscovery({ name, issuer, http, clock, closed }: DiscoveryOptions): Discovery {
  let known: { readonly metadata: ServerMetadata; readonly untilMs: number } | undefined;
  let asking: Promise<ServerMetadata> | undefined;

  const read = async (): Promise<ServerMetadata> => {
    // Not the signal of the one who asks: others wait for the same answer.
    const signal = AbortSignal.any([closed, AbortSignal.timeout(DEADLINE_MS)]);
    for (const url of metadataUrls(issuer)) {
      const answer = await http.send({ method: 'GET', url, headers: { accept: 'application/json' }, signal });
      if (answer.status === 404) continue;
      if (answer.status !== 200) throw refusalOf(name, 'a request for its metadata', answer, clock.nowMs());
      const metadata = readServerMetadata(name, issuer, jsonOf(name, 'a request for its metadata', answer));
      known = { metadata, untilMs: clock.monotonicMs() + GOOD_FOR_MS };
      return metadata;
    }
    throw new TallystickError('upstream_answer_invalid', `"${name}" has no metadata under its issuer`, {
      remedy: 'correct "issuer" of the provider, or name its "tokenEndpoint"',
    });
  };
  const refresh = (): Promise<ServerMetadata> => {
    asking ??= read().finally(() => (asking = undefined));
    return asking;
  };

  return {
    refresh,
    async metadata() {
      if (known && clock.monotonicMs() < known.untilMs) return known.metadata;
      const before = known;
      return refresh().catch((error: unknown) => {
        if (!before) throw error;
        known = { ...before, untilMs: clock.monotonicMs() + ASK_AGAIN_MS };
        return before.metadata;
      });
    },
  };
}
