import { ABSOLUTE_PATH } from '../config/file-path.ts';
import { amiss } from '../config/fault.ts';
import { defaulted, object, optional, required } from '../config/object-shape.ts';
import { choice, list, text, type TypeOf } from '../config/shape.ts';
import { DNS_NAME } from '../config/texts.ts';
import { UPSTREAM_CREDENTIAL } from '../config/upstream-credential.ts';
import type { ProviderKind } from './provider.ts';

const SETTINGS = object({
  type: required(choice(['ca']), 'The small authority that is built in.', 'ca'),
  certificate: optional(
    text(ABSOLUTE_PATH),
    'PEM file of the certificate that signs, and its intermediates. Default: roots of the sidecar’s own, each for a year.',
  ),
  key: optional(text(ABSOLUTE_PATH), 'PEM file of its private key.'),
  authorities: optional(
    text(ABSOLUTE_PATH),
    'PEM file of the certificates that others are verified by. Default: the last one of "certificate".',
  ),
});

const CREDENTIAL = object({
  ...UPSTREAM_CREDENTIAL,
  dnsNames: defaulted(list(text(DNS_NAME), { distinct: true }), [], 'Host names that the certificate is for, too.'),
  usages: defaulted(
    list(choice(['client', 'server']), { min: 1, distinct: true }),
    ['client', 'server'],
    'For which side of TLS it is.',
  ),
});

export type CaSettings = TypeOf<typeof SETTINGS>;
export type CaCredential = TypeOf<typeof CREDENTIAL>;

/** X.509 certificates by an authority in the sidecar, for keys that workloads have made. */
export const caKind: ProviderKind<CaSettings, CaCredential> = {
  type: 'ca',
  settings: SETTINGS,
  credential: CREDENTIAL,
  describe: ({ usages }) => ({
    type: 'x509',
    binding: 'mtls',
    holders: 'own',
    defaultLifetimeMs: 3_600_000,
    isClientCertificate: usages.includes('client'),
  }),
  judge(_wanted, { certificate, key, authorities }, at, report) {
    if ((certificate === undefined) !== (key === undefined)) {
      amiss(report, at, 'has a provider with one of "certificate" and "key"', 'give both, or neither');
    } else if (certificate === undefined && authorities !== undefined) {
      amiss(report, at, 'has a provider with "authorities" and no "certificate"', 'give all, or none');
    }
  },
  async open(settings, context) {
    const { openCa } = await import('./ca/provider.ts');
    return openCa(settings, context);
  },
};
