/**
 * What a key may sign. One role a key: no JWT verifies with a key of another role. `token`: access tokens and the
 * revocation list; `reply`: sealed answers; `client`: assertions to authorization servers; `federation`: what clouds
 * and vaults trust that know our issuer by its published files.
 */
export type KeyRole = 'token' | 'reply' | 'client' | 'federation';

/** How a key signs: ES256, or RS256 where an upstream takes nothing else. */
export type KeyAlgorithm = 'ES256' | 'RS256';

/** A public key of the issuer, as `GET /jwks` shows it. */
export type PublishedKey =
  | {
      readonly kid: string;
      readonly alg: 'ES256';
      readonly jwk: { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string };
    }
  | {
      readonly kid: string;
      readonly alg: 'RS256';
      readonly jwk: { readonly kty: 'RSA'; readonly n: string; readonly e: string };
    };

/**
 * Signs what the issuer says. Asynchronous and fallible, since a signer may live in another process, a KMS or a hub.
 * Callers do not cache signatures.
 */
export interface Signer {
  /** `iss` of everything it signs; empty for client assertions, each of which names its client. */
  readonly issuer: string;
  /**
   * Returns the compact JWS over `claims`.
   *
   * @param typ The `typ` of the header.
   * @throws {TallystickError} `signer_unavailable`
   * @throws {TypeError} Keys of this role do not sign JWTs of that type.
   */
  sign(typ: string, claims: string): Promise<string>;
  /** The keys to publish: the next one, the current one, and those whose tokens may still live. */
  keys(): readonly PublishedKey[];
  /** The `kid` it signs with now. */
  currentKid(): string;
  /** When the key it signs with began to sign, milliseconds since the epoch. */
  currentSinceMs(): number;
  /**
   * Takes note that these keys now stand in files that verifiers read. The next key may sign only a while after that.
   * Nothing to tell where the keys are served by the sidecar itself.
   *
   * @throws {TallystickError} `state_unusable`
   */
  announce(kids: readonly string[]): Promise<void>;
  /**
   * Makes the next key the current one, and a new one the next. The old one is published until every token it signed
   * has expired.
   *
   * @param record Records the rotation. Nothing is signed or published by it before that resolves.
   * @throws {TallystickError} `rotation_too_soon`: the next key has not been published for long enough to sign;
   *   `state_unusable`: the new keys are not durable; what `record` throws. Nothing has changed then.
   */
  rotate(record: (rotation: KeyRotation) => Promise<unknown>): Promise<KeyRotation>;
}

/** Which key signs from now on, and which did before. */
export interface KeyRotation {
  readonly kid: string;
  readonly previous: string;
}
