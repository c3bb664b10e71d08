import type { AuditRecord } from './record.ts';
import type { Report } from './finding.ts';
import { RegistryInForce } from './registry-in-force.ts';

/**
 * Judges credentials against the registry that the log itself tells of: that an identity was in it, was neither
 * suspended nor beyond its last day, and that records name the rights in force.
 *
 * @param graceMs How long what was asked under the registry before may still be recorded.
 */
export function createRegistryJudge(graceMs: number, report: Report): (record: AuditRecord) => void {
  const registry = new RegistryInForce();
  let known = false;
  /** Listed identities that are still to come before the registry of a shard is known. */
  let missing = 0;
  let root: string | undefined;
  let changedMs: number | undefined;
  const replaced: { readonly root: string; readonly untilMs: number }[] = [];

  const isOfBefore = (named: string, ms: number): boolean => {
    const now = registry.root();
    if (root !== undefined && root !== now) replaced.push({ root, untilMs: (changedMs ?? ms) + graceMs });
    root = now;
    changedMs = undefined;
    while (replaced[0] && replaced[0].untilMs < ms) replaced.shift();
    return replaced.some((before) => before.root === named);
  };

  return (record) => {
    const ms = Date.parse(record.time);
    if (record.type === 'log.genesis') known = true;
    if (record.type === 'log.shard_opened') {
      missing = record.body.identities;
      known = missing === 0;
    } else if (record.type === 'identity.listed' && missing > 0) known = --missing === 0;
    if (registry.apply(record)) changedMs ??= ms;
    if (!known || record.registry === null) return;
    switch (record.type) {
      case 'credential.intent':
      case 'credential.denied':
      case 'credential.released':
      case 'credential.renewed':
      case 'credential.rotated':
        break;
      default:
        return;
    }
    const before = isOfBefore(record.registry.root, ms);
    const identity = registry.get(record.actor);
    if (record.type === 'credential.released') {
      if (!identity && !before) report('identity_unregistered', 'the identity is not in the registry in force');
      if (identity?.suspended) report('released_suspended', 'the identity was suspended');
      if (identity && ms >= identity.endsMs) report('released_expired', 'the last day of the identity was over');
    }
    if (before) return;
    const isInForce =
      record.registry.root === root && (!identity || (record.registry.entry ?? identity.entry) === identity.entry);
    if (!isInForce) report('registry_mismatch', 'the record names other rights than those in force');
  };
}
