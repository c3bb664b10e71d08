import { readFile } from 'node:fs/promises';
import { TallystickError } from '@tallystick/core';
import type { CheckFinding, MintOrder, Provider, ProviderContext } from '../provider.ts';
import { certificatesOf, pemOf, readAuthority, type Authority } from './authority.ts';
import {
  alternativeNames,
  authorityKeyIdentifier,
  basicConstraints,
  commonName,
  extendedKeyUsage,
  keyUsage,
  signCertificate,
  subjectKeyIdentifier,
} from './certificate.ts';
import type { CaCredential, CaSettings } from '../ca.ts';
import { keyOfRequest } from './csr.ts';
import { BACKDATED_MS, createRoots, serialNumber } from './roots.ts';

/** Returns the sidecar's small authority: by a certificate of somebody else's, or with roots of its own. */
export function openCa(settings: CaSettings, context: ProviderContext): Provider<CaCredential> {
  const { memory, clock, random, trustDomain, sidecarId } = context;
  const ownRoots = createRoots({ memory, clock, random, name: `Tallystick ${sidecarId} of ${trustDomain}` });
  const signing = async (): Promise<{ authority: Authority; authorities: string }> => {
    if (settings.certificate === undefined) {
      const { current, bundle } = await ownRoots();
      return { authority: current, authorities: bundle };
    }
    return readGiven(context.name, settings.certificate, settings.key!, settings.authorities);
  };

  return {
    requireApplicant: ({ applicant }) => void keyOf(applicant),
    async mint(order) {
      const { authority, authorities } = await signing();
      const { der, notAfterMs, serial } = certify(order, authority, context);
      return {
        material: { certificate: pemOf(der) + authority.chain, authorities, serial },
        expiresAtMs: notAfterMs,
        handles: { certificateSerial: serial },
      };
    },
    async check(): Promise<readonly CheckFinding[]> {
      try {
        const { authority } = await signing();
        const until = new Date(authority.notAfterMs).toISOString();
        return [{ ok: true, what: 'authority', message: `it can sign until ${until}` }];
      } catch (error) {
        const { description, remedy } = error as TallystickError;
        return [{ ok: false, what: 'authority', message: description, remedy }];
      }
    },
    close: async () => {},
  };
}

function keyOf({ csr }: MintOrder['applicant']): ReturnType<typeof keyOfRequest> {
  if (!csr) throw new TallystickError('csr_refused', 'a certificate is asked for without a certificate request');
  return keyOfRequest(csr);
}

function certify(
  order: MintOrder<CaCredential>,
  authority: Authority,
  { clock, random }: ProviderContext,
): { der: Buffer; notAfterMs: number; serial: string } {
  const nowMs = clock.nowMs();
  // Whole seconds, and never past the authority: what it has signed would not verify any more.
  const notAfterMs = Math.min(Math.floor((nowMs + order.lifetimeMs) / 1000) * 1000, authority.notAfterMs);
  if (notAfterMs <= nowMs) throw new TallystickError('upstream_denied', 'the certificate of the authority has expired');
  const publicKey = keyOf(order.applicant);
  const serial = serialNumber(random);
  const { dnsNames, usages } = order.wanted;
  const der = signCertificate(
    {
      serial,
      issuer: authority.subject,
      // Under this name it stands in the logs of those who see it.
      subject: commonName(order.leaseId),
      notBeforeMs: Math.max(nowMs - BACKDATED_MS, authority.notBeforeMs),
      notAfterMs,
      publicKey,
      extensions: [
        basicConstraints(false),
        keyUsage('workload'),
        extendedKeyUsage(usages),
        alternativeNames(order.identity.id, dnsNames),
        subjectKeyIdentifier(publicKey),
        ...(authority.keyIdentifier ? [authorityKeyIdentifier(authority.keyIdentifier)] : []),
      ],
    },
    authority.key,
  );
  return { der, notAfterMs, serial: Buffer.from(serial).toString('hex') };
}

/** Read each time: a tool that renews them puts new files in their place. */
async function readGiven(
  name: string,
  certificate: string,
  key: string,
  authorities: string | undefined,
): Promise<{ authority: Authority; authorities: string }> {
  try {
    const [pem, keyPem] = await Promise.all([readFile(certificate, 'utf8'), readFile(key, 'utf8')]);
    const bundle = authorities === undefined ? certificatesOf(pem).at(-1)! : await readFile(authorities, 'utf8');
    return { authority: readAuthority(pem, keyPem), authorities: bundle };
  } catch (error) {
    // What a parser says of a key may repeat it.
    const why = error instanceof RangeError ? error.message : ((error as { code?: string }).code ?? 'unreadable');
    throw new TallystickError('upstream_denied', `the certificate or the key of "${name}" cannot be used: ${why}`, {
      remedy: 'put the certificate of an authority and its key, both PEM, where "certificate" and "key" say',
    });
  }
}
