import { TallystickError } from '@tallystick/core';
import type { EngineMaker } from './engine.ts';
import { readSshCertificate, sshKeyBlob } from './ssh-certificate.ts';

/** Has the workload's SSH key certified. */
export const signSshKey: EngineMaker = async ({ order, call, client, answers, name }) => {
  const { path, principals } = order.wanted;
  const publicKey = order.applicant.publicKey!;
  const body = {
    public_key: publicKey,
    ttl: `${Math.ceil(order.lifetimeMs / 1000)}s`,
    ...(principals.length > 0 && { valid_principals: principals.join(',') }),
  };
  const data = answers.object(await client.write(path, body, call), 'data', path);
  const certificate = answers.text(data, 'signed_key', path).trim();
  const read = readSshCertificate(certificate);
  if (!read?.publicKey.equals(sshKeyBlob(publicKey) ?? Buffer.alloc(0))) {
    throw new TallystickError('upstream_answer_invalid', `"${name}" answered ${path} without a certificate of the key`);
  }
  const serial = read.serial.toString();
  return {
    material: { certificate, serial },
    handles: { certificateSerial: read.serial.toString(16) },
    expiresAtMs: read.validBeforeMs,
    vaultLease: '',
    renewable: false,
  };
};
