import { didYouMean, parseUsePrefix } from '@tallystick/core';
import { amiss, type Report } from './fault.ts';
import type { FileValue } from './file-shape.ts';
import type { Draft } from './shape.ts';
import type { UpstreamCredential } from './upstream-rules.ts';

/**
 * Judges tokens that are bound to a certificate: it must be there, be one that a client can show, and be shown where the
 * token goes.
 */
export function checkCertificates(
  file: Draft<FileValue>,
  upstream: ReadonlyMap<string, UpstreamCredential>,
  report: Report,
): void {
  for (const [name, value] of file.credentials ?? []) {
    if (!value || 'written' in value || value.certificate === undefined) continue;
    const at = ['credentials', name];
    const fault = faultOf(value.certificate, file, upstream);
    if (fault) amiss(report, [...at, 'certificate'], ...fault);
    value.use?.forEach((text, i) => {
      const prefix = text === undefined ? '' : parseUsePrefix(text);
      if (typeof prefix === 'string' || prefix.origin.startsWith('https:')) return;
      const message = 'is plain HTTP, where nobody shows the certificate that the token is bound to';
      amiss(report, [...at, 'use', i], message, 'begin it with https://, or remove "certificate"');
    });
  }
}

/** Returns what is wrong with a name of a certificate, and the remedy. */
function faultOf(
  name: string,
  file: Draft<FileValue>,
  upstream: ReadonlyMap<string, UpstreamCredential>,
): [message: string, remedy: string] | undefined {
  if (!file.credentials?.has(name)) {
    const certificates = [...upstream].flatMap(([other, { traits }]) => (traits.type === 'x509' ? [other] : []));
    const meant = didYouMean(name, certificates);
    const remedy = meant === undefined ? 'add it under "credentials", of a provider "ca"' : `did you mean "${meant}"?`;
    return ['names a credential that is not there', remedy];
  }
  const value = file.credentials.get(name);
  const traits = upstream.get(name)?.traits;
  // Of one with a mistake of its own nothing can be said.
  if (!value || ('written' in value && !traits)) return undefined;
  if (traits?.type !== 'x509') {
    return ['names a credential that is no X.509 certificate', 'name one of a provider "ca", or of a Vault PKI'];
  }
  if (traits.isClientCertificate !== false) return undefined;
  return ['names a certificate that no client can show', `add "client" to the "usages" of "${name}"`];
}
