import { X509Certificate } from 'node:crypto';
import { TallystickError } from '@tallystick/core';
import { keyOfRequest } from '../ca/csr.ts';
import { pemOf } from '../ca/authority.ts';
import type { MintOrder } from '../provider.ts';
import type { EngineMaker } from './engine.ts';
import type { VaultMembers } from './vault-client.ts';

/** Has the workload's key certified. Names are the configuration's: of its request the key alone is used. */
export const signCertificate: EngineMaker = async ({ order, call, client, answers, name }) => {
  const { path, commonName, dnsNames } = order.wanted;
  const body = {
    csr: requestPem(order),
    ttl: `${Math.ceil(order.lifetimeMs / 1000)}s`,
    uri_sans: order.identity.id,
    exclude_cn_from_sans: true,
    ...(commonName !== undefined && { common_name: commonName }),
    ...(dnsNames.length > 0 && { alt_names: dnsNames.join(',') }),
  };
  const { data, vaultLease } = answers.secret(await client.write(path, body, call), path);
  const leafPem = answers.text(data, 'certificate', path);
  const leaf = readCertificate(leafPem, name, path);
  if (!leaf.publicKey.equals(keyOfRequest(order.applicant.csr!))) {
    throw new TallystickError('upstream_answer_invalid', `"${name}" certified another key at ${path}`);
  }
  if (!urisOf(leaf).includes(order.identity.id)) {
    throw new TallystickError('upstream_denied', `"${name}" leaves the identity out of certificates of ${path}`, {
      remedy: 'set use_csr_sans=false and use_csr_common_name=false on the role: names are not the workload’s to say',
    });
  }
  const { intermediates, authorities } = chainOf(data, answers.text(data, 'issuing_ca', path), (pem) =>
    isRoot(readCertificate(pem, name, path)),
  );
  const serial = leaf.serialNumber.toLowerCase();
  return {
    material: { certificate: [leafPem, ...intermediates].map(line).join(''), authorities, serial },
    handles: { certificateSerial: serial },
    expiresAtMs: leaf.validToDate.getTime(),
    vaultLease,
    renewable: false,
  };
};

function requestPem({ applicant: { csr } }: MintOrder): string {
  return pemOf(csr!).replaceAll(' CERTIFICATE-', ' CERTIFICATE REQUEST-');
}

function readCertificate(pem: string, name: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new TallystickError('upstream_answer_invalid', `"${name}" answered ${path} with no certificate`);
  }
}

/** SPIFFE IDs have no character that Node would quote. */
function urisOf({ subjectAltName = '' }: X509Certificate): readonly string[] {
  return subjectAltName.split(', ').flatMap((name) => (name.startsWith('URI:') ? [name.slice('URI:'.length)] : []));
}

/** Splits the chain: a root is what others are verified by, and is not sent along. Without one, the issuer is. */
function chainOf(
  { ca_chain: chain }: VaultMembers,
  issuer: string,
  isRoot: (pem: string) => boolean,
): { readonly intermediates: readonly string[]; readonly authorities: string } {
  const all = Array.isArray(chain) && chain.every((each) => typeof each === 'string') ? (chain as string[]) : [issuer];
  const roots = all.filter((each) => isRoot(each));
  return {
    intermediates: roots.length > 0 ? all.filter((each) => !roots.includes(each)) : [],
    authorities: (roots.length > 0 ? roots : [issuer]).map(line).join(''),
  };
}

function isRoot(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
}

function line(pem: string): string {
  return `${pem.trim()}\n`;
}
