import { didYouMean } from '@tallystick/core';
import { checkEntitlements, targetsOf } from './entitlement-rules.ts';
import { amiss, type Path, type Report } from './fault.ts';
import type { FileValue } from './file-shape.ts';
import type { IdentityValue } from './identity-shape.ts';
import { parseSelector, type Selector } from './selector.ts';
import type { Draft } from './shape.ts';
import { socketNames } from './socket-rules.ts';
import type { UpstreamCredential } from './upstream-rules.ts';

/** Judges identities against each other and against what they name. */
export function checkIdentities(
  file: Draft<FileValue>,
  upstream: ReadonlyMap<string, UpstreamCredential>,
  report: Report,
): void {
  const ids = new Set<string>();
  const sockets = socketNames(file.listen?.workload);
  const targets = targetsOf(file.credentials, upstream);
  file.identities?.forEach((identity, i) => {
    if (!identity) return;
    const at: Path = ['identities', i];
    checkId(identity.id, [...at, 'id'], file.trustDomain, ids, report);
    checkMatch(identity, at, sockets, report);
    checkEntitlements(identity.entitlements ?? [], [...at, 'entitlements'], targets, report);
  });
}

function checkId(
  id: string | undefined,
  path: Path,
  trustDomain: string | undefined,
  ids: Set<string>,
  report: Report,
): void {
  if (id === undefined) return;
  if (ids.has(id))
    amiss(
      report,
      path,
      'is the id of another identity',
      'give each identity an id of its own; alternatives of one go into "matchAny"',
    );
  ids.add(id);
  if (trustDomain !== undefined && !id.startsWith(`spiffe://${trustDomain}/`)) {
    amiss(report, path, 'is not in the trust domain of this file', `begin it with spiffe://${trustDomain}/`);
  }
}

function checkMatch(
  identity: Draft<IdentityValue>,
  at: Path,
  sockets: readonly string[] | undefined,
  report: Report,
): void {
  if (identity.match) checkSelectors(identity.match, [...at, 'match'], sockets, report);
  const seen = new Set<string>();
  identity.matchAny?.forEach((selectors, i) => {
    if (!selectors) return;
    const path = [...at, 'matchAny', i];
    checkSelectors(selectors, path, sockets, report);
    const same = selectors
      .filter((text) => text !== undefined)
      .toSorted()
      .join('\n');
    if (seen.has(same)) amiss(report, path, 'is given twice', 'remove one of the two');
    seen.add(same);
  });
}

function checkSelectors(
  selectors: readonly (string | undefined)[],
  path: Path,
  sockets: readonly string[] | undefined,
  report: Report,
): void {
  const values = new Map<Selector['kind'], string>();
  selectors.forEach((text, i) => {
    const selector = text === undefined ? '' : parseSelector(text);
    if (typeof selector === 'string') return;
    const { kind, value } = selector;
    const at = [...path, i];
    const other = values.get(kind);
    if (other !== undefined && other !== value) {
      amiss(report, at, `can never hold together with another ${kind}`, 'write alternatives as lists in "matchAny"');
    }
    values.set(kind, value);
    if (kind === 'socket' && sockets?.includes(value) === false) {
      const meant = didYouMean(value, sockets);
      amiss(
        report,
        at,
        'names a workload socket that is not there',
        meant === undefined ? `use one of ${sockets.join(', ')}` : `did you mean "tallystick:socket:${meant}"?`,
      );
    }
  });
}
