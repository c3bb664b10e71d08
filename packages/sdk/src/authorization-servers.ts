import { isLoopbackHost, printable, TallystickError, type Clock } from '@tallystick/core';
import { createProof, generateHolderKey, normalizeHtu, type HolderKey } from '@tallystick/dpop';
import type { UpstreamProof, UpstreamProofAsk } from '@tallystick/protocol';

/**
 * The foreign authorization servers that this side gives proofs to, and a key for each: what one of them learns of us is of
 * no use to another. A sidecar that is not ours could else have a token bound to our key wherever it likes.
 */
export class AuthorizationServers {
  readonly #clock: Pick<Clock, 'nowMs'>;
  /** By the URL of the token endpoint, normalized. The keys are made when they are needed. */
  readonly #keys = new Map<string, Promise<HolderKey> | undefined>();
  readonly #made = new Map<string, HolderKey>();

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  /** Names servers, by the URLs of their token endpoints as {@link tokenEndpoints} gives them. */
  pin(endpoints: readonly string[]): void {
    for (const endpoint of endpoints) if (!this.#keys.has(endpoint)) this.#keys.set(endpoint, undefined);
  }

  /**
   * Returns the proof that is asked for, and the key it is by.
   *
   * @throws {TallystickError} `authorization_server_unknown`
   */
  async prove({ htm, htu, nonce, challenge }: UpstreamProofAsk): Promise<{ proof: UpstreamProof; key: HolderKey }> {
    const endpoint = normalizeHtu(htu);
    if (endpoint === undefined || !this.#keys.has(endpoint)) {
      throw new TallystickError(
        'authorization_server_unknown',
        `the sidecar asks for a proof for ${printable(htu, 200)}, which nobody here has named`,
      );
    }
    let making = this.#keys.get(endpoint);
    if (making === undefined) this.#keys.set(endpoint, (making = generateHolderKey()));
    const key = await making;
    this.#made.set(key.jkt, key);
    const iat = Math.floor(this.#clock.nowMs() / 1000);
    return { key, proof: { challenge, proof: createProof(key, { method: htm, url: endpoint, iat, nonce }) } };
  }

  /** Returns the key of that thumbprint, where it is one for a foreign server. */
  keyOf(jkt: string): HolderKey | undefined {
    return this.#made.get(jkt);
  }
}

/**
 * Returns URLs of token endpoints in the form in which they are compared.
 *
 * @param where Says in an error who gave them.
 * @throws {TallystickError} `invalid_request`: one is neither https nor http on a loopback address.
 */
export function tokenEndpoints(urls: readonly string[], where: string): readonly string[] {
  return urls.map((text) => {
    const endpoint = typeof text === 'string' ? normalizeHtu(text) : undefined;
    const url = endpoint === undefined ? null : URL.parse(endpoint);
    if (endpoint === undefined || url === null || !(url.protocol === 'https:' || isLoopbackHost(url.hostname))) {
      throw new TallystickError('invalid_request', `${where} names ${printable(String(text), 200)}`, {
        remedy: 'write the whole https URL of the token endpoint of each authorization server',
      });
    }
    return endpoint;
  });
}
