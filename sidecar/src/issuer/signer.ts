/** What a key may sign. One role a key: a token never verifies with a key of another role. */
export type KeyRole = 'token' | 'reply';

/** A public key of the issuer, as `GET /jwks` shows it. */
export interface PublishedKey {
  readonly kid: string;
  readonly alg: 'ES256';
  readonly jwk: { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string };
}

/**
 * Signs what the issuer says. Asynchronous and fallible, since a signer may live in another process, a KMS or a hub.
 * Callers do not cache signatures.
 */
export interface Signer {
  /** `iss` of everything it signs. */
  readonly issuer: string;
  /**
   * Returns the compact JWS over `claims`.
   *
   * @param typ The `typ` of the header.
   * @throws {TallystickError} `signer_unavailable`
   */
  sign(typ: string, claims: string): Promise<string>;
  /** The keys to publish: the next one, the current one, and those whose tokens may still live. */
  keys(): readonly PublishedKey[];
  /** The `kid` it signs with now. */
  currentKid(): string;
  /** When the key it signs with began to sign, milliseconds since the epoch. */
  currentSinceMs(): number;
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
