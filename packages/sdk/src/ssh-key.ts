import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { Secret } from '@tallystick/core';
import type { CertifiedKey } from './certified-key.ts';

const generate = promisify(generateKeyPair);
const TYPE = 'ssh-ed25519';
const CERTIFICATE_TYPE = 'ssh-ed25519-cert-v01@openssh.com';

/** Makes an Ed25519 key for an OpenSSH certificate. */
export async function makeSshKey(): Promise<CertifiedKey> {
  const { privateKey } = await generate('ed25519');
  const { x, d } = privateKey.export({ format: 'jwk' });
  const publicBytes = Buffer.from(x!, 'base64url');
  return {
    applicant: { publicKey: `${TYPE} ${publicBlob(publicBytes).toString('base64')}` },
    key: new Secret(privateKeyFile(publicBytes, Buffer.from(d!, 'base64url'))),
    fits: (certificate) => certifiedKeyOf(certificate)?.equals(publicBytes) ?? false,
  };
}

/** RFC 8709 §4. */
function publicBlob(publicBytes: Buffer): Buffer {
  return Buffer.concat([text(TYPE), text(publicBytes)]);
}

/** Returns an unencrypted private key file of OpenSSH (PROTOCOL.key). */
function privateKeyFile(publicBytes: Buffer, seed: Buffer): string {
  const check = randomBytes(4);
  const key = [text(TYPE), text(publicBytes), text(Buffer.concat([seed, publicBytes])), text('')];
  const secret = Buffer.concat([check, check, ...key]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, i) => i + 1));
  const bytes = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    uint32(1),
    text(publicBlob(publicBytes)),
    text(Buffer.concat([secret, padding])),
  ]);
  const lines = bytes.toString('base64').match(/.{1,70}/g)!;
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

/** Returns the key that a certificate line is for (PROTOCOL.certkeys): after its type and a nonce. */
function certifiedKeyOf(certificate: string): Buffer | undefined {
  const [type, blob = ''] = certificate.split(' ');
  if (type !== CERTIFICATE_TYPE) return undefined;
  let rest = Buffer.from(blob, 'base64');
  const texts: Buffer[] = [];
  while (texts.length < 3) {
    if (rest.length < 4) return undefined;
    const end = 4 + rest.readUInt32BE();
    if (end > rest.length) return undefined;
    texts.push(rest.subarray(4, end));
    rest = rest.subarray(end);
  }
  return texts[0]!.toString() === CERTIFICATE_TYPE ? texts[2] : undefined;
}

/** RFC 4251 §5: a length, and so many bytes. */
function text(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
