import { parseDurationMs, parseUsePrefix, type IdentityObject, type UsePrefix } from '@tallystick/core';
import { DEFAULT_INTERVAL, retentionDays, type ReplicaValue } from './anchor-shape.ts';
import type { Config, CredentialConfig, HttpListener, ReplicaConfig, TokenConfig, WorkloadSocket } from './config.ts';
import type { TokenValue } from './credential-shape.ts';
import { valuesOf } from './entitlement-rules.ts';
import { socketUrlPath } from './file-path.ts';
import type { FileValue } from './file-shape.ts';
import type { EntitlementValue, IdentityValue } from './identity-shape.ts';
import type { ListenerValue } from './listen-shape.ts';
import { parseListenerUrl } from './listener-url.ts';
import { DEFAULT_SOCKET_NAME } from './socket-rules.ts';
import { parseBytes } from './texts.ts';
import type { UpstreamCredential } from './upstream-rules.ts';

/**
 * Returns the configuration that a file without a mistake stands for. Whatever has no order is sorted, so that files
 * that mean the same give the same objects, and the same registry digest, on every machine.
 */
export function buildConfig(file: FileValue, upstream: ReadonlyMap<string, UpstreamCredential>): Config {
  const { state, listen, issuer } = file;
  return {
    trustDomain: file.trustDomain,
    state:
      typeof state === 'string' ? { keys: `${state}/keys`, leases: `${state}/leases`, audit: `${state}/audit` } : state,
    listen: {
      workload: buildSockets(listen.workload),
      admin: listen.admin,
      public: buildListener(listen.public),
      health: buildListener(listen.health),
    },
    issuer: { url: issuer.url, signer: issuer.signer },
    federationUrl: file.federation?.url,
    sidecarId: file.sidecar?.id,
    audit: {
      durability: file.audit?.durability ?? 'node',
      localMax: file.audit?.localMax === undefined ? undefined : parseBytes(file.audit.localMax),
      fiscalYear: { start: file.audit?.fiscalYearStart ?? '01-01', zone: file.audit?.zone ?? 'UTC' },
      anchors: {
        policy: file.audit?.anchors?.policy,
        intervalMs: parseDurationMs(file.audit?.anchors?.interval ?? DEFAULT_INTERVAL)!,
      },
      replica: buildReplica(file.audit?.replica),
      hold: file.audit?.hold ?? false,
      escrow: file.audit?.escrow,
    },
    fleetSize: file.fleet?.size ?? 1,
    revokeOnShutdown: file.shutdown?.revoke ?? 'idle',
    identities: sortedBy(file.identities.map(buildIdentity), ({ id }) => id),
    providers: new Map(
      sortedBy([...file.providers], ([name]) => name).map(([name, { kind, settings }]) => [
        name,
        { name, kind, settings },
      ]),
    ),
    credentials: new Map(
      sortedBy([...file.credentials], ([name]) => name).map(([name, value]) => [
        name,
        'written' in value ? buildUpstreamCredential(name, upstream.get(name)!) : buildToken(name, value, upstream),
      ]),
    ),
  };
}

function buildSockets(workload: FileValue['listen']['workload']): readonly WorkloadSocket[] {
  const sockets =
    typeof workload === 'string'
      ? [{ name: DEFAULT_SOCKET_NAME, path: socketUrlPath(workload), mode: '0666' }]
      : workload;
  return sockets.map(({ name, path, mode }) => ({ name, path, mode: Number.parseInt(mode, 8) }));
}

function buildListener(value: ListenerValue | undefined): HttpListener | undefined {
  if (value === undefined) return undefined;
  const { url, certificate, key, hosts } =
    typeof value === 'string' ? { url: value, certificate: undefined, key: undefined, hosts: undefined } : value;
  const { host, port, loopback } = parseListenerUrl(url);
  return {
    host,
    port,
    // A probe of the kubelet names the pod's address, which nobody knows beforehand. `public` always has its names.
    hosts: hosts ?? (loopback ? ['127.0.0.1', '[::1]', 'localhost'] : undefined),
    tls: certificate === undefined || key === undefined ? undefined : { certificate, key },
  };
}

function buildReplica(value: ReplicaValue | undefined): ReplicaConfig | undefined {
  if (value?.folder !== undefined) return { kind: 'folder', folder: value.folder };
  if (!value?.s3) return undefined;
  const { bucket, region, endpoint, prefix, credentials, retention, lock } = value.s3;
  return {
    kind: 's3',
    bucket,
    region,
    endpoint: endpoint ?? `https://s3.${region}.amazonaws.com`,
    prefix: prefix === undefined ? '' : `${prefix}/`,
    credentials,
    retentionDays: retentionDays(retention),
    lock,
  };
}

function buildIdentity(value: IdentityValue): IdentityObject {
  const owner =
    typeof value.owner === 'string' ? { id: value.owner, kind: 'team' as const, accountable: null } : value.owner;
  const alternatives = value.match ? [value.match] : (value.matchAny ?? []);
  return {
    id: value.id,
    kind: value.kind,
    owner: { accountable: owner.accountable, backup: value.backupOwner ?? null, id: owner.id, kind: owner.kind },
    purpose: value.purpose,
    environment: value.environment,
    businessProcesses: [...value.businessProcesses].sort(),
    expires: value.expires,
    match: sortedBy(
      alternatives.map((selectors) => [...selectors].sort()),
      (selectors) => selectors.join('\n'),
    ),
    revocable: value.revocable,
    receives: [...value.receives].sort(),
    entitlements: sortedBy(value.entitlements.map(buildEntitlement), ({ credential }) => credential),
  };
}

function buildEntitlement(value: EntitlementValue): IdentityObject['entitlements'][number] {
  if (typeof value === 'string') return { credential: value, scope: null, minAssurance: 'socket' };
  const { credential, scope, minAssurance } = value;
  return { credential, scope: scope === undefined ? null : valuesOf(scope).join(' '), minAssurance };
}

function buildToken(name: string, value: TokenValue, upstream: ReadonlyMap<string, UpstreamCredential>): TokenConfig {
  const { certificate } = value;
  const lifetimeMs = parseDurationMs(value.lifetime)!;
  // It ends with its certificate: what is longer would be a promise that is not kept.
  const longestMs = certificate === undefined ? lifetimeMs : lifetimeOf(upstream.get(certificate)!);
  return {
    name,
    provider: 'issuer',
    type: 'access-token',
    binding: certificate === undefined ? 'dpop' : 'mtls',
    audience: value.audience,
    scope: valuesOf(value.scope),
    lifetimeMs: Math.min(lifetimeMs, longestMs),
    floorMs: 0,
    holders: 'own',
    use: prefixesOf(value.use),
    attribution: value.attribution,
    certificate,
    wanted: undefined,
  };
}

function lifetimeOf({ traits, common: { lifetime } }: UpstreamCredential): number {
  return lifetime === undefined ? traits.defaultLifetimeMs : parseDurationMs(lifetime)!;
}

function buildUpstreamCredential(name: string, upstream: UpstreamCredential): CredentialConfig {
  const { traits, common, wanted } = upstream;
  const { provider, use, attribution } = common;
  return {
    name,
    provider,
    type: traits.type,
    binding: traits.binding,
    audience: traits.audience,
    scope: traits.scope ?? [],
    lifetimeMs: lifetimeOf(upstream),
    floorMs: traits.floorMs ?? 0,
    isExtended: traits.isExtended,
    holders: traits.holders,
    use: prefixesOf(use),
    attribution,
    wanted,
  };
}

function prefixesOf(use: readonly string[]): readonly UsePrefix[] {
  return use.map((text) => parseUsePrefix(text) as UsePrefix);
}

/** By code units, which is the order that canonical JSON has too. */
function sortedBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return items.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}
