import { followCertificate, type CertificateSource, type TlsMaterial } from './follow-certificate.ts';

/** What is used of a server of `node:tls` or `node:https`. */
export interface TlsServer {
  setSecureContext(options: TlsMaterial): void;
}

/**
 * Has a server show the certificate `name`, and verify its clients by the authorities that come with it: new connections
 * by the one that is good then, open ones go on with theirs. Resolves when the first one is in place; listen then.
 *
 * A certificate that is revoked is shown to its end: a server that stops serving is for its owner to decide, who hears
 * of it by `identity.watch`.
 *
 * @returns What ends it.
 * @throws {TallystickError} Why there is no certificate.
 */
export async function rotateServer(identity: CertificateSource, name: string, server: TlsServer): Promise<Disposable> {
  const stopped = new AbortController();
  const follower = { changed: (tls: TlsMaterial) => server.setSecureContext(tls), ended: () => {} };
  await followCertificate(identity, name, follower, stopped.signal);
  return { [Symbol.dispose]: () => stopped.abort() };
}
