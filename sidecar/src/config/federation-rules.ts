import { amiss, type Report } from './fault.ts';
import type { FileValue } from './file-shape.ts';
import type { Draft } from './shape.ts';
import type { ProviderValue } from './upstream-shape.ts';

/** Judges `federation` beside the rest: it is an issuer of its own, and there where an upstream is to trust it. */
export function checkFederation(file: Draft<FileValue>, report: Report): void {
  const { federation, issuer } = file;
  if (federation?.url !== undefined && federation.url === issuer?.url) {
    amiss(
      report,
      ['federation', 'url'],
      'is the URL of "issuer" too, whose tokens no cloud may take',
      'give it another host, or a path: https://identity.acme.example',
    );
  }
  if (federation) return;
  for (const [name, value] of file.providers ?? []) {
    const provider = value as ProviderValue | undefined;
    if (provider?.settings === undefined || provider.kind.needsFederation?.(provider.settings) !== true) continue;
    amiss(
      report,
      ['providers', name],
      'signs in by "federation", which is not there',
      'add it at the top: federation: { url: https://identity.acme.example }',
    );
  }
}
