import { hash, X509Certificate } from 'node:crypto';
import { Fault } from './fault.ts';
import { misconfigured } from './misconfigured.ts';
import type { IncomingRequest } from './request-facts.ts';

/**
 * Where the certificate of a client is found: `tls` in the connection that Node's own server has taken, for who ends TLS
 * here and asks clients for a certificate; or what a proxy in front hands on, as DER or PEM. That a proxy strips what
 * clients write into such a header themselves is for its configuration to see to.
 */
export type ClientCertificateSource = 'tls' | ((request: IncomingRequest) => Uint8Array | string | undefined);

/** Returns the thumbprint of the certificate that a request came with: base64url of the SHA-256 of its DER. */
export type CertificateThumbprint = (request: IncomingRequest) => string | undefined;

/** @throws {TallystickError} `verifier_misconfigured` */
export function parseClientCertificate(source: ClientCertificateSource | undefined): CertificateThumbprint | undefined {
  if (source === undefined) return undefined;
  if (source === 'tls') return thumbprintOfConnection;
  if (typeof source !== 'function') throw misconfigured('"clientCertificate" must be "tls" or a function');
  return (request) => {
    const certificate = source(request);
    return certificate === undefined ? undefined : thumbprintOf(certificate);
  };
}

function thumbprintOf(certificate: Uint8Array | string): string {
  try {
    return hash('sha256', new X509Certificate(certificate).raw, 'base64url');
  } catch {
    throw new Fault('certificate', 'the certificate that came with the request cannot be read');
  }
}

/** A connection of Node's TLS server. */
interface TlsConnection {
  getPeerX509Certificate?(): X509Certificate | undefined;
}

/** A connection keeps its certificate for all of its requests. */
const thumbprints = new WeakMap<TlsConnection, string>();

function thumbprintOfConnection(request: IncomingRequest): string | undefined {
  const { socket } = request as { socket?: TlsConnection };
  if (!socket) return undefined;
  let found = thumbprints.get(socket);
  if (found === undefined) {
    const certificate = socket.getPeerX509Certificate?.();
    if (!certificate) return undefined;
    found = hash('sha256', certificate.raw, 'base64url');
    thumbprints.set(socket, found);
  }
  return found;
}
