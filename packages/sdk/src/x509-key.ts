import { generateKeyPair, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { Secret } from '@tallystick/core';
import { certificateRequest } from './certificate-request.ts';
import type { CertifiedKey } from './certified-key.ts';

const generate = promisify(generateKeyPair);

/** Makes a P-256 key for an X.509 certificate. */
export async function makeX509Key(): Promise<CertifiedKey> {
  const { privateKey } = await generate('ec', { namedCurve: 'P-256' });
  return {
    applicant: { csr: certificateRequest(privateKey).toString('base64') },
    key: new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    fits(certificate) {
      try {
        return new X509Certificate(certificate).checkPrivateKey(privateKey);
      } catch {
        return false;
      }
    },
  };
}
