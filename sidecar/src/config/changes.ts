import type { Config } from './config.ts';
import type { Mistake } from './fault.ts';

/** What was added, removed or changed between two configurations, by id or name, in order. */
export interface Difference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** What is different in a new configuration. */
export interface ConfigChanges {
  readonly identities: Difference;
  readonly credentials: Difference;
  readonly providers: Difference;
  /** Other settings that take hold at once: `audit.durability`, `fleet.size`, `shutdown.revoke`. */
  readonly settings: readonly string[];
  /** Settings that a running sidecar cannot change, such as `listen` and `issuer`. */
  readonly needsRestart: readonly string[];
}

/** Compares two configurations. Pure. */
export function compareConfigs(before: Config, after: Config): ConfigChanges {
  const differing = (settings: Readonly<Record<string, (config: Config) => unknown>>): readonly string[] =>
    Object.entries(settings).flatMap(([name, get]) => (same(get(before), get(after)) ? [] : [name]));
  return {
    identities: compareMaps(byId(before), byId(after)),
    credentials: compareMaps(before.credentials, after.credentials),
    providers: compareMaps(settingsOf(before), settingsOf(after)),
    settings: differing({
      'audit.durability': (config) => config.audit.durability,
      'fleet.size': (config) => config.fleetSize,
      'shutdown.revoke': (config) => config.revokeOnShutdown,
    }),
    needsRestart: differing({
      trustDomain: (config) => config.trustDomain,
      state: (config) => config.state,
      'listen.workload': (config) => config.listen.workload,
      'listen.admin': (config) => config.listen.admin,
      'listen.public': (config) => config.listen.public,
      'listen.health': (config) => config.listen.health,
      issuer: (config) => config.issuer,
      federation: (config) => config.federationUrl,
      'audit.localMax': (config) => config.audit.localMax,
      'audit.fiscalYearStart': (config) => config.audit.fiscalYear.start,
      'audit.zone': (config) => config.audit.fiscalYear.zone,
      'audit.anchors': (config) => config.audit.anchors,
      'audit.replica': (config) => config.audit.replica,
      'audit.hold': (config) => config.audit.hold,
      'audit.escrow': (config) => config.audit.escrow,
      'sidecar.id': (config) => config.sidecarId,
    }),
  };
}

/** Returns a mistake for each setting that a running sidecar cannot change. */
export function restartMistakes({ needsRestart }: ConfigChanges): readonly Mistake[] {
  return needsRestart.map((path) => ({
    line: undefined,
    column: undefined,
    path,
    message: `"${path}" has changed, which needs a restart`,
    remedy: 'restart the sidecar, or take the change back; until then nothing of the new file is used',
  }));
}

function byId(config: Config): ReadonlyMap<string, unknown> {
  return new Map(config.identities.map((identity) => [identity.id, identity]));
}

function settingsOf({ providers }: Config): ReadonlyMap<string, unknown> {
  return new Map([...providers].map(([name, { kind, settings }]) => [name, [kind.type, settings]]));
}

function compareMaps(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): Difference {
  return {
    added: [...after.keys()].filter((key) => !before.has(key)),
    removed: [...before.keys()].filter((key) => !after.has(key)),
    changed: [...after.keys()].filter((key) => before.has(key) && !same(before.get(key), after.get(key))),
  };
}

/** Both come from the same builder, which gives members in one order. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
