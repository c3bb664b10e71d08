import {
  formatDuration,
  MAX_BACKOFF_MS,
  registryDigest,
  renewalInstant,
  rotationInstant,
  type IdentityObject,
} from '@tallystick/core';
import type { Config, CredentialConfig } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import { checkOnline, describeOnline, isGood } from './check-online.ts';
import { CONFIG_OPTION, configPathOf, defineCommand, EXIT, JSON_OPTION } from './command.ts';
import { explainMistake } from './explain-mistake.ts';
import { table } from './table.ts';

/** Judges a configuration: every mistake with its line and remedy, what is probably not meant, and what it gives. */
export const check = defineCommand({
  name: 'check',
  summary: 'explain every mistake in the configuration, with its line',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    online: { type: 'boolean', doc: 'have the running sidecar try each upstream, and say what is missing there' },
  },
  async run(invocation) {
    const { options, stdout, clock, environment } = invocation;
    const file = configPathOf(invocation);
    const result = await loadConfig(file, { clock });
    const mistakes = result.ok ? [] : result.mistakes;
    const warnings = result.ok ? result.loaded.warnings : [];
    const config = result.ok ? result.loaded.config : undefined;
    const online = config && options.online ? await checkOnline(config, environment) : undefined;
    stdout.write(
      options.json
        ? `${JSON.stringify({ ok: result.ok, file, mistakes, warnings, ...(config && summaryOf(config)), ...(online && { online }) }, undefined, 2)}\n`
        : [
            ...mistakes.map((mistake) => explainMistake(file, 'error', mistake)),
            ...warnings.map((warning) => explainMistake(file, 'warning', warning)),
            ...(config && online ? describeOnline(online) : []),
            config ? describe(file, config) : `${file} has ${count(mistakes.length, 'mistake')}\n`,
          ].join('\n'),
    );
    return result.ok && (!online || isGood(online)) ? EXIT.ok : EXIT.notOk;
  },
});

/** How long a workload that uses a credential all the time goes without noticing. */
export interface OutageBudget {
  /** Milliseconds for which the sidecar may be away: what is left when it is replaced, or extended, at the latest. */
  readonly sidecarMs: number;
  /** Milliseconds for which its upstream may be away: less the longest wait before that is asked again. */
  readonly upstreamMs: number;
}

export function outageBudget({
  lifetimeMs,
  floorMs,
  isExtended,
}: Pick<CredentialConfig, 'floorMs' | 'isExtended' | 'lifetimeMs'>): OutageBudget {
  const instant = isExtended ? renewalInstant : rotationInstant;
  const sidecarMs = lifetimeMs - instant({ issuedAtMs: 0, expiresAtMs: lifetimeMs }, 1, floorMs);
  return { sidecarMs, upstreamMs: Math.max(0, sidecarMs - MAX_BACKOFF_MS) };
}

function summaryOf(config: Config): Readonly<Record<string, unknown>> {
  return {
    identities: config.identities.map(({ id, owner, environment, expires, entitlements }) => ({
      id,
      owner: owner.id,
      environment,
      expires,
      entitlements: entitlements.map(({ credential }) => credential),
    })),
    credentials: [...config.credentials.values()].map((credential) => ({
      name: credential.name,
      provider: credential.provider,
      audience: credential.audience,
      scope: credential.scope.join(' '),
      lifetimeSeconds: credential.lifetimeMs / 1000,
      outageSeconds: outageBudget(credential).sidecarMs / 1000,
      ...(credential.provider !== 'issuer' && { upstreamOutageSeconds: outageBudget(credential).upstreamMs / 1000 }),
    })),
    registry: registryDigest(config.identities).root,
  };
}

/** Rows that a person reads; `--json` has them all. */
const ROWS_SHOWN = 40;

function describe(file: string, config: Config): string {
  const credentials = [...config.credentials.values()];
  return [
    `${file} is good: ${count(config.identities.length, 'identity', 'identities')}, ${count(credentials.length, 'credential')}`,
    '',
    ...table(
      ['identity', 'owner', 'environment', 'expires', 'entitlements'],
      config.identities.map(identityRow),
      ROWS_SHOWN,
    ),
    '',
    ...table(
      ['credential', 'audience', 'lifetime', 'sidecar may be away', 'upstream may be away'],
      credentials.map(credentialRow),
      ROWS_SHOWN,
    ),
    '',
    `registry ${registryDigest(config.identities).root}`,
    '',
  ].join('\n');
}

function identityRow({ id, owner, environment, expires, entitlements }: IdentityObject): readonly string[] {
  return [id, owner.id, environment, expires, entitlements.map(({ credential }) => credential).join(', ') || 'none'];
}

function credentialRow(credential: CredentialConfig): readonly string[] {
  const { name, provider, audience = provider, lifetimeMs } = credential;
  const { sidecarMs, upstreamMs } = outageBudget(credential);
  const upstream = provider === 'issuer' ? '' : roughly(upstreamMs);
  return [name, audience, formatDuration(lifetimeMs), roughly(Math.max(1000, sidecarMs)), upstream];
}

/** Whole minutes from two on, else seconds. */
function roughly(ms: number): string {
  return ms < 120_000 ? formatDuration(ms) : formatDuration(Math.round(ms / 60_000) * 60_000);
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
