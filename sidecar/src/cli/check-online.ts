import { registryDigest } from '@tallystick/core';
import type { Config } from '../config/config.ts';
import type { Environment } from '../config/environment.ts';
import { waysRound, type WayRound } from '../config/ways-round.ts';
import type { CheckFinding } from '../providers/provider.ts';
import { createAdminClient } from './admin-client.ts';

/** What the upstreams of a configuration say, and what a workload here does not need them for. */
export interface OnlineReport {
  readonly upstreams: readonly CheckedCredential[];
  /** True where the running sidecar has another configuration than the file: what it checked is that. */
  readonly runsAnother: boolean;
  readonly waysRound: readonly WayRound[];
}

/** One credential, and what its upstream says of it. */
interface CheckedCredential {
  readonly credential: string;
  readonly provider: string;
  readonly findings: readonly CheckFinding[];
}

/**
 * Asks the running sidecar to try its upstreams: it has the keys that they know.
 *
 * @throws {TallystickError} `sidecar_unavailable`
 */
export async function checkOnline(config: Config, environment: Environment): Promise<OnlineReport> {
  const answer = await createAdminClient(config.listen.admin).get('/v1/upstreams/check');
  return {
    upstreams: answer.checked as readonly CheckedCredential[],
    runsAnother: answer.registry !== registryDigest(config.identities).root,
    waysRound: await waysRound(environment),
  };
}

/** True when every upstream has what it needs. Ways round are said, and are no mistake of this configuration. */
export function isGood({ upstreams }: OnlineReport): boolean {
  return upstreams.every(({ findings }) => findings.every(({ ok }) => ok));
}

/** Returns a report as lines for people. */
export function describeOnline({ upstreams, runsAnother, waysRound: ways }: OnlineReport): readonly string[] {
  return [
    ...(runsAnother ? ['the running sidecar has another configuration than this file: that one was checked', ''] : []),
    ...(upstreams.length === 0 ? ['no credential comes from an upstream'] : []),
    ...upstreams.flatMap(({ credential, provider, findings }) => [
      `${credential} (${provider})`,
      ...findings.flatMap(({ ok, what, message, remedy }) => [
        `  ${ok ? 'ok     ' : 'missing'} ${what}: ${message}`,
        ...(remedy === undefined ? [] : remedy.split('\n').map((line) => `          ${line}`)),
      ]),
    ]),
    '',
    ...(ways.length === 0
      ? ['nothing here gets credentials round the sidecar']
      : ['a process with this environment and user gets credentials round the sidecar:']),
    ...ways.flatMap(({ name, remedy }) => [`  ${name}`, `          ${remedy}`]),
    '',
  ];
}
