import { didYouMean } from '@tallystick/core';
import type { CredentialTraits } from '../providers/provider.ts';
import { amiss, type Path, type Report } from './fault.ts';
import type { FileValue } from './file-shape.ts';
import type { Draft } from './shape.ts';
import type { UpstreamCredentialValue } from './upstream-credential.ts';
import type { ProviderValue } from './upstream-shape.ts';

/** A credential of an upstream, as the kind of its provider reads it. */
export interface UpstreamCredential {
  readonly traits: CredentialTraits;
  readonly common: UpstreamCredentialValue;
  readonly wanted: unknown;
}

/**
 * Reads the credentials of upstreams: what their keys are, the kind of their provider says. Those with a mistake are
 * left out.
 */
export function readUpstreamCredentials(
  file: Draft<FileValue>,
  report: Report,
): ReadonlyMap<string, UpstreamCredential> {
  const read = new Map<string, UpstreamCredential>();
  for (const [name, value] of file.credentials ?? []) {
    if (!value || !('written' in value) || value.provider === undefined) continue;
    const at = ['credentials', name];
    const provider = file.providers?.get(value.provider) as ProviderValue | undefined;
    // One with a mistake of its own is there, and nothing can be said of its credentials.
    if (file.providers?.has(value.provider) === false) reportUnknown(value.provider, [...at, 'provider'], file, report);
    if (!provider || provider.settings === undefined) continue;
    let faulty = false;
    const noting: Report = (fault) => {
      faulty = true;
      // The published schema does not know which type a provider has.
      report({ ...fault, kind: 'meaning' });
    };
    const wanted: unknown = provider.kind.credential.read(value.written, at, noting);
    if (faulty || wanted === undefined) continue;
    provider.kind.judge?.(wanted, provider.settings, at, noting);
    if (!file.federation && needsItForItself(provider, wanted)) {
      const remedy = 'add it at the top: federation: { url: https://identity.acme.example }';
      amiss(noting, at, 'is granted for a JWT of "federation", which is not there', remedy);
    }
    if (faulty) continue;
    const traits = provider.kind.describe(wanted, provider.settings);
    read.set(name, { traits, common: wanted as UpstreamCredentialValue, wanted });
  }
  return read;
}

/** True where a credential needs the federation, and its provider for others does not. */
function needsItForItself({ kind, settings }: ProviderValue, wanted: unknown): boolean {
  return kind.needsFederation?.(settings) !== true && kind.needsFederation?.(settings, wanted) === true;
}

function reportUnknown(name: string, path: Path, file: Draft<FileValue>, report: Report): void {
  const meant = didYouMean(name, ['issuer', ...(file.providers?.keys() ?? [])]);
  amiss(
    report,
    path,
    'names a provider that is not there',
    meant === undefined ? 'add it under "providers", or use "issuer", which is built in' : `did you mean "${meant}"?`,
  );
}
