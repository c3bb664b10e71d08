import { parseUsePrefix } from '@tallystick/core';
import type { TokenValue } from './credential-shape.ts';
import { didYouMean } from './did-you-mean.ts';
import { amiss, type Path, type Report } from './fault.ts';
import type { EntitlementValue } from './identity-shape.ts';
import type { Draft } from './shape.ts';

/** The credentials of a file, those with mistakes among them. */
export type CredentialDrafts = ReadonlyMap<string, Draft<TokenValue> | undefined>;

interface Entitled {
  readonly name: string;
  readonly path: Path;
  readonly credential: Draft<TokenValue>;
  /** What may be granted of the scope. */
  readonly scope: readonly string[];
}

/** Judges what one identity is entitled to: each name is there and given once, and no two stand for one request. */
export function checkEntitlements(
  entitlements: readonly (Draft<EntitlementValue> | undefined)[],
  at: Path,
  credentials: CredentialDrafts,
  report: Report,
): void {
  const entitled: Entitled[] = [];
  const names = new Set<string>();
  entitlements.forEach((entitlement, i) => {
    const short = typeof entitlement === 'string';
    const name = short ? entitlement : entitlement?.credential;
    if (name === undefined) return;
    const path: Path = short ? [...at, i] : [...at, i, 'credential'];
    if (names.has(name)) amiss(report, path, 'is given twice', 'remove one of the two');
    else if (!credentials.has(name)) reportUnknown(name, path, credentials, report);
    names.add(name);
    const credential = credentials.get(name);
    if (!credential) return;
    const own = valuesOf(credential.scope);
    const narrowed = short ? undefined : entitlement?.scope;
    if (narrowed !== undefined && !valuesOf(narrowed).every((value) => own.includes(value))) {
      amiss(report, [...at, i, 'scope'], `is wider than that of "${name}"`, 'name values of its scope alone');
    }
    entitled.push({ name, path, credential, scope: narrowed === undefined ? own : valuesOf(narrowed) });
  });
  checkRequests(entitled, report);
  checkPrefixes(entitled, report);
}

function reportUnknown(name: string, path: Path, credentials: CredentialDrafts, report: Report): void {
  const meant = didYouMean(name, credentials.keys());
  amiss(
    report,
    path,
    'names a credential that is not there',
    meant === undefined ? 'add it under "credentials"' : `did you mean "${meant}"?`,
  );
}

/** `/token` names no credential, so within one identity audience and scope must tell them apart. */
function checkRequests(entitled: readonly Entitled[], report: Report): void {
  const byAudience = new Map<string, Entitled[]>();
  for (const item of entitled) {
    const { audience } = item.credential;
    if (audience === undefined) continue;
    const others = byAudience.get(audience) ?? [];
    const other = others.find(
      ({ scope }) => scope.length === 0 || item.scope.length === 0 || scope.some((value) => item.scope.includes(value)),
    );
    if (other && other.name !== item.name) {
      amiss(
        report,
        item.path,
        `has the audience of "${other.name}" and a scope that overlaps with it: a request for a token could mean either`,
        'give them different audiences, or scopes that share no value',
      );
    }
    byAudience.set(audience, [...others, item]);
  }
}

/** The SDK picks a credential by the longest prefix, so within one identity no two prefixes are equal. */
function checkPrefixes(entitled: readonly Entitled[], report: Report): void {
  const owners = new Map<string, string>();
  for (const { name, path, credential } of entitled) {
    for (const text of credential.use ?? []) {
      const prefix = text === undefined ? '' : parseUsePrefix(text);
      if (typeof prefix === 'string') continue;
      const same = `${prefix.origin}/${prefix.segments.join('/')}`;
      const other = owners.get(same);
      if (other !== undefined && other !== name) {
        amiss(
          report,
          path,
          `has a "use" prefix that "${other}" has too: a call could take either`,
          'make one prefix longer, or remove it',
        );
      }
      owners.set(same, name);
    }
  }
}

/** Returns the values of a scope, sorted, each once. */
export function valuesOf(scope: string | undefined): readonly string[] {
  return [...new Set((scope ?? '').split(' ').filter((value) => value !== ''))].sort();
}
