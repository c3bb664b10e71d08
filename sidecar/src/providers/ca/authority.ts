import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readElements, type Element } from './read-der.ts';

/** What signs certificates: a certificate of its own, and the key of that. */
export interface Authority {
  readonly key: KeyObject;
  /** DER of its name. */
  readonly subject: Buffer;
  /** Its subject key identifier; undefined where its certificate has none. */
  readonly keyIdentifier: Buffer | undefined;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** PEM that goes after a certificate it signs: of an intermediate authority, its own; of a root, nothing. */
  readonly chain: string;
}

/** The first certificate of a PEM text may sign others, and `key` is its key. */
export function readAuthority(pem: string, keyPem: string): Authority {
  const [own] = certificatesOf(pem);
  if (!own) throw new RangeError('there is no certificate in it');
  const certificate = new X509Certificate(own);
  const key = createPrivateKey(keyPem);
  if (!certificate.ca) throw new RangeError('its certificate is not that of an authority');
  if (!createPublicKey(key).equals(certificate.publicKey))
    throw new RangeError('the key is that of another certificate');
  const isRoot = certificate.checkIssued(certificate);
  return {
    key,
    ...namesOf(certificate.raw),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    chain: isRoot ? '' : pem,
  };
}

/** Returns the certificates of a PEM text, each as PEM with a line end. */
export function certificatesOf(pem: string): readonly string[] {
  return Array.from(
    pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g),
    ([text]) => `${text}\n`,
  );
}

export function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

const SUBJECT_KEY_IDENTIFIER = Buffer.from('0603551d0e', 'hex');

/** Reads what Node does not tell of a certificate (RFC 5280 §4.1). */
function namesOf(der: Buffer): Pick<Authority, 'subject' | 'keyIdentifier'> {
  const [certificate] = readElements(der);
  const [body] = readElements(certificate!.content);
  // version [0], serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, … extensions [3]
  const members = readElements(body!.content);
  const extensions = members.find(({ tag }) => tag === 0xa3);
  const list = extensions ? readElements(readElements(extensions.content)[0]!.content) : [];
  const found = list
    .map(({ content }) => readElements(content))
    .find(([id]) => id!.whole.equals(SUBJECT_KEY_IDENTIFIER));
  return { subject: members[5]!.whole, keyIdentifier: found && contentOf(found.at(-1)!) };
}

/** An extension's value is an octet string with the DER of the value in it; this one's is an octet string itself. */
function contentOf(value: Element): Buffer {
  return readElements(value.content)[0]!.content;
}
