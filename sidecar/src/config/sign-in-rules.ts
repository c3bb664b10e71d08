import { didYouMean } from '@tallystick/core';
import { amiss, type Report } from './fault.ts';
import type { FileValue } from './file-shape.ts';
import type { Draft } from './shape.ts';
import type { UpstreamCredential } from './upstream-rules.ts';
import type { ProviderValue } from './upstream-shape.ts';

/** Judges by which secrets of other upstreams the sidecar is to sign in: each is a credential that is there, and a secret. */
export function checkSignIns(
  file: Draft<FileValue>,
  upstream: ReadonlyMap<string, UpstreamCredential>,
  report: Report,
): void {
  for (const [name, value] of file.providers ?? []) {
    const { kind, settings } = (value ?? {}) as Partial<ProviderValue>;
    const signsIn = settings === undefined ? undefined : kind?.signsInWith?.(settings);
    if (!signsIn?.credential) continue;
    const refuse = (message: string, remedy: string): void =>
      amiss(report, ['providers', name, ...signsIn.at], message, remedy);
    if (!file.credentials?.has(signsIn.credential)) {
      const meant = didYouMean(signsIn.credential, file.credentials?.keys() ?? []);
      refuse(
        'names a credential that is not there',
        meant === undefined ? 'add it under "credentials"' : `did you mean "${meant}"?`,
      );
      continue;
    }
    const written = file.credentials.get(signsIn.credential);
    const type = written && !('written' in written) ? 'access-token' : upstream.get(signsIn.credential)?.traits.type;
    // One with a mistake of its own is there, and nothing can be said of it.
    if (type === undefined || type === 'secret') continue;
    refuse(`names a credential of type ${type}`, 'name one of type secret: what a vault has stored');
  }
}
