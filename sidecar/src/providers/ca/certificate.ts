import { hash, sign, type KeyObject } from 'node:crypto';
import { DER } from '@tallystick/core';

/** What a certificate says (RFC 5280 §4.1.2). */
export interface CertificateContent {
  /** 1 to 20 bytes, big-endian. */
  readonly serial: Uint8Array;
  /** DER of the issuer's name, exactly as in its own certificate. */
  readonly issuer: Buffer;
  /** DER of the subject's name. */
  readonly subject: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

/** Returns the DER of a certificate that `issuerKey` signs: on P-256 or P-384, or RSA. */
export function signCertificate(content: CertificateContent, issuerKey: KeyObject): Buffer {
  const { algorithm, digest } = signatureOf(issuerKey);
  const body = DER.sequence(
    DER.tagged(0, DER.unsigned(Buffer.of(2)), 'constructed'),
    DER.unsigned(content.serial),
    algorithm,
    content.issuer,
    DER.sequence(DER.time(content.notBeforeMs), DER.time(content.notAfterMs)),
    content.subject,
    spkiOf(content.publicKey),
    DER.tagged(3, DER.sequence(...content.extensions), 'constructed'),
  );
  return DER.sequence(body, algorithm, DER.bitString(sign(digest, body, issuerKey)));
}

/** Returns the DER of a name with a common name alone. */
export function commonName(text: string): Buffer {
  return DER.sequence(DER.set(DER.sequence(DER.objectIdentifier('2.5.4.3'), DER.utf8String(text))));
}

/** Whether the key may sign certificates (§4.2.1.9), and none but those of workloads. */
export function basicConstraints(isAuthority: boolean): Buffer {
  const content = isAuthority ? DER.sequence(DER.boolean(true), DER.unsigned(Buffer.of(0))) : DER.sequence();
  return extension('2.5.29.19', content, true);
}

/** What the key may do (§4.2.1.3): sign certificates and their revocations, or take part in handshakes. */
export function keyUsage(of: 'authority' | 'workload'): Buffer {
  // Bits from the left: digitalSignature is 0, keyCertSign 5, cRLSign 6.
  return extension(
    '2.5.29.15',
    of === 'authority' ? DER.bitString(Buffer.of(0x06), 1) : DER.bitString(Buffer.of(0x80), 7),
    true,
  );
}

/** For which side of TLS the certificate is (§4.2.1.12). */
export function extendedKeyUsage(usages: readonly ('client' | 'server')[]): Buffer {
  const identifiers = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;
  return extension(
    '2.5.29.37',
    DER.sequence(...usages.map((usage) => DER.objectIdentifier(identifiers[usage]))),
    false,
  );
}

/** Who it is (§4.2.1.6): one URI, as an X509-SVID has it, and host names. */
export function alternativeNames(uri: string, dnsNames: readonly string[]): Buffer {
  const names = [
    DER.tagged(6, Buffer.from(uri, 'latin1'), 'primitive'),
    ...dnsNames.map((name) => DER.tagged(2, Buffer.from(name, 'latin1'), 'primitive')),
  ];
  return extension('2.5.29.17', DER.sequence(...names), false);
}

/** §4.2.1.2 */
export function subjectKeyIdentifier(key: KeyObject): Buffer {
  return extension('2.5.29.14', DER.octetString(keyIdentifier(key)), false);
}

/** §4.2.1.1 */
export function authorityKeyIdentifier(identifier: Uint8Array): Buffer {
  return extension('2.5.29.35', DER.sequence(DER.tagged(0, Buffer.from(identifier), 'primitive')), false);
}

/** Returns the identifier of a key: the first 20 bytes of the SHA-256 of its SubjectPublicKeyInfo (RFC 7093 §2). */
export function keyIdentifier(key: KeyObject): Buffer {
  return hash('sha256', spkiOf(key), 'buffer').subarray(0, 20);
}

function extension(identifier: string, content: Buffer, critical: boolean): Buffer {
  return DER.sequence(
    DER.objectIdentifier(identifier),
    ...(critical ? [DER.boolean(true)] : []),
    DER.octetString(content),
  );
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' });
}

function signatureOf(key: KeyObject): { algorithm: Buffer; digest: 'sha256' | 'sha384' } {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === 'prime256v1')
    return { algorithm: DER.sequence(DER.objectIdentifier('1.2.840.10045.4.3.2')), digest: 'sha256' };
  if (curve === 'secp384r1')
    return { algorithm: DER.sequence(DER.objectIdentifier('1.2.840.10045.4.3.3')), digest: 'sha384' };
  if (key.asymmetricKeyType === 'rsa') {
    return {
      algorithm: DER.sequence(DER.objectIdentifier('1.2.840.113549.1.1.11'), Buffer.of(5, 0)),
      digest: 'sha256',
    };
  }
  throw new RangeError('the key of an authority is on P-256 or P-384, or RSA');
}
