import { TallystickError, type X509Credential } from '@tallystick/core';
import type { Identity } from '../identity.ts';
import { outside } from '../outside.ts';

/** What is used of an identity. */
export type CertificateSource = Pick<Identity, 'watch'>;

/** The options of `node:tls` that a certificate is made of, all PEM. Of a handshake that has not begun. */
export interface TlsMaterial {
  readonly key: string;
  /** The certificate, then its intermediates. */
  readonly cert: string;
  /** What the other side is verified by. */
  readonly ca: string;
}

/** Is told of each certificate, from the first one on. */
export interface CertificateFollower {
  /** That a newer one is there. The earlier is good until it ends, for what has begun with it. */
  changed(tls: TlsMaterial, certificate: X509Credential): void;
  /** That none is to be used any more, and why; undefined: the identity was closed. */
  ended(why: Error | undefined): void;
}

/**
 * Follows the certificate `name` until `signal` aborts. Resolves with the first one, of which the follower is told too.
 *
 * @throws {TallystickError} Why there is none.
 */
export function followCertificate(
  identity: CertificateSource,
  name: string,
  follower: CertificateFollower,
  signal: AbortSignal,
): Promise<void> {
  const first = Promise.withResolvers<void>();
  const follow = async (): Promise<void> => {
    try {
      for await (const credential of identity.watch(name, 'x509', { signal })) {
        follower.changed(materialOf(credential), credential);
        first.resolve();
      }
      follower.ended(undefined);
      first.reject(new TallystickError('identity_closed', `"${name}" was asked for after close()`));
    } catch (error) {
      if (!signal.aborted) follower.ended(error as Error);
      first.reject(error);
    }
  };
  void outside(follow);
  return first.promise;
}

/** Returns the options of `node:tls` for a certificate. The key is in clear in them: Node's TLS takes no key object. */
export function materialOf({ key, certificate, authorities }: X509Credential): TlsMaterial {
  return { key: key.reveal(), cert: certificate, ca: authorities };
}
