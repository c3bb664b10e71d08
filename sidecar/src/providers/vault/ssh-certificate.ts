/** What an OpenSSH certificate says (PROTOCOL.certkeys of OpenSSH). */
export interface SshCertificate {
  /** The key that it is for, as a public key line has it. */
  readonly publicKey: Buffer;
  readonly serial: bigint;
  /** Milliseconds since the epoch; `Infinity` where it never ends. */
  readonly validBeforeMs: number;
}

/** How many fields the key of a type has in a certificate. */
const KEY_FIELDS: ReadonlyMap<string, number> = new Map([
  ['ssh-ed25519', 1],
  ['ecdsa-sha2-nistp256', 2],
  ['ecdsa-sha2-nistp384', 2],
  ['ecdsa-sha2-nistp521', 2],
  ['ssh-rsa', 2],
]);
const CERTIFICATE_SUFFIX = '-cert-v01@openssh.com';

/** Reads the one line of a certificate; undefined where it is none. */
export function readSshCertificate(text: string): SshCertificate | undefined {
  const [type = '', base64 = ''] = text.split(' ');
  const keyType = type.endsWith(CERTIFICATE_SUFFIX) ? type.slice(0, -CERTIFICATE_SUFFIX.length) : '';
  const fields = KEY_FIELDS.get(keyType);
  if (fields === undefined) return undefined;
  try {
    const bytes = new Fields(Buffer.from(base64, 'base64'));
    if (bytes.string().toString() !== type) return undefined;
    bytes.string(); // nonce
    const key = Array.from({ length: fields }, () => withLength(bytes.string()));
    const serial = bytes.number64();
    bytes.number32(); // user or host
    bytes.string(); // key id
    bytes.string(); // principals
    bytes.number64(); // valid after
    const before = bytes.number64();
    return {
      publicKey: Buffer.concat([withLength(Buffer.from(keyType)), ...key]),
      serial,
      validBeforeMs: before > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(before) * 1000,
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Returns the bytes of a public key line; undefined where it is none. */
export function sshKeyBlob(text: string): Buffer | undefined {
  const [type = '', base64 = ''] = text.split(' ');
  return KEY_FIELDS.has(type) ? Buffer.from(base64, 'base64') : undefined;
}

/** Reads the wire format of SSH (RFC 4251 §5). Reading past the end throws a RangeError. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  string(): Buffer {
    const length = this.number32();
    if (length > this.#bytes.length - this.#at) throw new RangeError('it ends too early');
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  number32(): number {
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  number64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigUInt64BE(this.#at - 8);
  }
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
