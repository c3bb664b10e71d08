import { didYouMean, parseUsePrefix } from '@tallystick/core';
import type { FileValue } from './file-shape.ts';
import { amiss, type Path, type Report } from './fault.ts';
import type { EntitlementValue } from './identity-shape.ts';
import type { Draft } from './shape.ts';
import type { UpstreamCredential } from './upstream-rules.ts';

/** What a credential is asked for by. Whatever had a mistake is undefined, so that no other follows from it. */
interface Target {
  readonly audience: string | undefined;
  readonly scope: readonly string[] | undefined;
  /** `use` prefixes in one form. */
  readonly prefixes: readonly string[];
  /** Name of the certificate that it is bound to. */
  readonly certificate?: string | undefined;
}

/** The credentials of a file by name. */
export type Targets = ReadonlyMap<string, Target | undefined>;

interface Entitled {
  readonly name: string;
  readonly path: Path;
  readonly target: Target;
  /** What may be granted of the scope. */
  readonly scope: readonly string[];
}

/** Returns what the credentials of a file are asked for by: once, because many identities share them. */
export function targetsOf(
  credentials: Draft<FileValue['credentials']> | undefined,
  upstream: ReadonlyMap<string, UpstreamCredential>,
): Targets {
  return new Map([...(credentials ?? [])].map(([name, value]) => [name, targetOf(value, upstream.get(name))]));
}

type CredentialDraft = Draft<FileValue['credentials']> extends ReadonlyMap<string, infer V> ? V : never;

function targetOf(value: CredentialDraft, upstream: UpstreamCredential | undefined): Target | undefined {
  if (!value) return undefined;
  // One of an upstream is asked for by its name.
  if ('written' in value) {
    return (
      upstream && { audience: undefined, scope: upstream.traits.scope ?? [], prefixes: formsOf(upstream.common.use) }
    );
  }
  return {
    audience: value.audience,
    scope: value.scope === undefined ? undefined : valuesOf(value.scope),
    prefixes: formsOf(value.use ?? []),
    certificate: value.certificate,
  };
}

function formsOf(use: readonly (string | undefined)[]): readonly string[] {
  return use.flatMap((text) => (text === undefined ? [] : oneForm(text)));
}

/**
 * Judges what one identity is entitled to: each name is there and given once, no two stand for one request, and what one
 * needs beside it is there too.
 */
export function checkEntitlements(
  entitlements: readonly (Draft<EntitlementValue> | undefined)[],
  at: Path,
  targets: Targets,
  report: Report,
): void {
  const entitled: Entitled[] = [];
  const names = new Set<string>();
  entitlements.forEach((entitlement, i) => {
    const short = typeof entitlement === 'string';
    const name = short ? entitlement : entitlement?.credential;
    if (name === undefined) return;
    const path: Path = short ? [...at, i] : [...at, i, 'credential'];
    if (names.has(name)) return amiss(report, path, 'is given twice', 'remove one of the two');
    names.add(name);
    if (!targets.has(name)) return reportUnknown(name, path, targets, report);
    const target = targets.get(name);
    if (!target?.scope) return;
    const narrowed = short || entitlement?.scope === undefined ? undefined : valuesOf(entitlement.scope);
    if (narrowed?.every((value) => target.scope?.includes(value)) === false) {
      amiss(report, [...at, i, 'scope'], `is wider than that of "${name}"`, 'name values of its scope alone');
    }
    entitled.push({ name, path, target, scope: narrowed ?? target.scope });
  });
  checkRequests(entitled, report);
  checkPrefixes(entitled, report);
  checkCertificatesOf(entitled, names, targets, report);
}

/** Whoever may have a token needs the certificate that it is bound to. */
function checkCertificatesOf(
  entitled: readonly Entitled[],
  names: ReadonlySet<string>,
  targets: Targets,
  report: Report,
): void {
  for (const { path, target } of entitled) {
    const { certificate } = target;
    // Of one that is not there, its credential tells.
    if (certificate === undefined || names.has(certificate) || !targets.has(certificate)) continue;
    amiss(
      report,
      path,
      'names a token that is bound to a certificate which this identity is not entitled to',
      `add ${certificate} to its "entitlements"`,
    );
  }
}

function reportUnknown(name: string, path: Path, targets: Targets, report: Report): void {
  const meant = didYouMean(name, targets.keys());
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
    const { audience } = item.target;
    if (audience === undefined) continue;
    const others = byAudience.get(audience) ?? [];
    // A request without a scope means all of it, and so does one for a credential that has none.
    const other = others.find(
      ({ scope }) => scope.length === 0 || item.scope.length === 0 || scope.some((value) => item.scope.includes(value)),
    );
    if (other) {
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
  for (const { name, path, target } of entitled) {
    for (const prefix of target.prefixes) {
      const other = owners.get(prefix);
      if (other !== undefined && other !== name) {
        amiss(
          report,
          path,
          `has a "use" prefix that "${other}" has too: a call could take either`,
          'make one prefix longer, or remove it',
        );
      }
      owners.set(prefix, name);
    }
  }
}

/** Prefixes are compared as origin and segments: a slash at the end makes no difference. */
function oneForm(text: string): readonly string[] {
  const prefix = parseUsePrefix(text);
  return typeof prefix === 'string' ? [] : [`${prefix.origin}/${prefix.segments.join('/')}`];
}

/** Returns the values of a scope, sorted, each once. */
export function valuesOf(scope: string): readonly string[] {
  return [...new Set(scope.split(' ').filter((value) => value !== ''))].sort();
}
