import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSshCertificate, sshKeyBlob } from '../../../src/providers/vault/ssh-certificate.ts';

const SUFFIX = '-cert-v01@openssh.com';

const text = (bytes: Buffer | string): Buffer => {
  const content = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
};
const number64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
};

/** Returns the parts of a user certificate for a key (PROTOCOL.certkeys), up to what is not read. */
function certificate(type: string, key: readonly Buffer[], serial: bigint, before: bigint): Buffer {
  const kind = Buffer.from([0, 0, 0, 1]);
  const names = [text('key id'), text(text('deploy'))];
  const head = [text(type + SUFFIX), text('nonce'), ...key.map(text)];
  return Buffer.concat([...head, number64(serial), kind, ...names, number64(0n), number64(before)]);
}

const KEYS = [
  ['ssh-ed25519', 1],
  ['ecdsa-sha2-nistp256', 2],
  ['ssh-rsa', 2],
] as const;

describe.each(KEYS)('a certificate for a key of type %s', (type, fields) => {
  const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 64 }), { minLength: fields, maxLength: fields });
  const number = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

  test('says which key, serial and end it has', () => {
    fc.assert(
      fc.property(parts, number, number, (bytes, serial, before) => {
        const key = bytes.map((part) => Buffer.from(part));
        const line = `${type}${SUFFIX} ${certificate(type, key, serial, before).toString('base64')} comment`;
        const read = readSshCertificate(line)!;
        const own = `${type} ${Buffer.concat([text(type), ...key.map(text)]).toString('base64')}`;
        expect(read.publicKey.equals(sshKeyBlob(own)!)).toBe(true);
        expect(read.serial).toBe(serial);
        expect(read.validBeforeMs).toBe(before > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(before) * 1000);
      }),
    );
  });

  test('cut off anywhere, it is none', () => {
    const whole = certificate(
      type,
      Array.from({ length: fields }, () => Buffer.from('k')),
      7n,
      9n,
    );
    for (let length = 0; length < whole.length; length++) {
      expect(readSshCertificate(`${type}${SUFFIX} ${whole.subarray(0, length).toString('base64')}`)).toBeUndefined();
    }
  });
});

test('what is no certificate is none, whatever it is', () => {
  fc.assert(fc.property(fc.string(), (line) => readSshCertificate(line) === undefined));
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const base64 = Buffer.from(bytes).toString('base64');
      expect(readSshCertificate(`ssh-ed25519${SUFFIX} ${base64}`)).toBeUndefined();
    }),
  );
  expect(
    readSshCertificate(`ssh-ed25519${SUFFIX} ${certificate('ssh-rsa', [], 0n, 0n).toString('base64')}`),
  ).toBeUndefined();
});
