import { adminAssertionKeyRoutes } from './api/admin/assertion-keys.ts';
import { adminAuditRoutes } from './api/admin/audit.ts';
import { adminIdentityRoutes } from './api/admin/identities.ts';
import { adminIssuerRoutes } from './api/admin/issuer.ts';
import { adminLeaseRoutes } from './api/admin/leases.ts';
import { createAdminHandler, type AdminHandler } from './api/admin/router.ts';
import { adminStatusRoutes } from './api/admin/status.ts';
import { adminUpstreamRoutes } from './api/admin/upstreams.ts';
import { healthRoutes, type HealthRoutes } from './api/health/routes.ts';
import { publicRoutes, type PublicRoutes } from './api/public/routes.ts';
import { createRevocationAnswer } from './api/revocations.ts';
import { createWorkloadHandler, type WorkloadHandler } from './api/workload/router.ts';
import { workloadRoutes } from './api/workload/routes.ts';
import { createMayMatch } from './attest/may-match.ts';
import { createUnmatchedPeers } from './attest/unmatched.ts';
import { changedIdentities, narrowedIdentities } from './authorize/narrowed.ts';
import { createRegistry, type Registry } from './authorize/registry.ts';
import type { Config } from './config/config.ts';
import { createEventHub } from './events/hub.ts';
import { startKeyRotation } from './issuer/key-rotation.ts';
import { createTokenReader } from './issuer/read-token.ts';
import { createBarCap } from './lease/bar-cap.ts';
import { createIssueCap } from './lease/issue-cap.ts';
import { createLeaseManager } from './lease/lease-manager.ts';
import { createLeaseTable, type LeaseTable } from './lease/lease-table.ts';
import type { Lease } from './lease/lease.ts';
import { createOwnedLeases } from './lease/owned-leases.ts';
import { isMadeOtherwise, judgeAfterChange } from './lease/after-change.ts';
import { createUpstreamCare } from './lease/upstream-care.ts';
import { createWithdrawal, type Withdrawal } from './lease/withdrawal.ts';
import type { RefusalReason } from './listen/counters.ts';
import type { Peer } from './listen/peer.ts';
import { errorFields } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import { createCensus } from './observe/census.ts';
import { meteredTelemetry } from './observe/metered-telemetry.ts';
import { observedHeads } from './observe/observed-heads.ts';
import { observedLeases } from './observe/observed-leases.ts';
import { observedRecorder } from './observe/observed-recorder.ts';
import { describeSidecar } from './observe/sidecar-metrics.ts';
import type { Outside } from './outside.ts';
import { createCredentialRecords } from './record/credential-records.ts';
import { createFloodGate } from './record/flood.ts';
import { createFloodRecords } from './record/flood-records.ts';
import { createLateRecords } from './record/late-records.ts';
import { createLifecycleRecords, type LifecycleRecords } from './record/lifecycle-records.ts';
import { createOperatorRecords } from './record/operator-records.ts';
import { createReadRecords } from './record/read-records.ts';
import { createRegistryRecords } from './record/registry/registry-records.ts';
import { createRevocationRecords } from './record/revocation-records.ts';
import { createUsageGate } from './record/usage/usage-gate.ts';
import { createUsageRecords } from './record/usage/usage-records.ts';
import { createAdmission } from './release/admit.ts';
import { createProofGate } from './release/proof-gate.ts';
import { createUpstreamChallenges } from './release/upstream-challenge.ts';

/** The longest life of a token, in seconds: what `config` allows. */
export const MAX_LIFETIME_SECONDS = 86_400;
/** What a stop waits for upstreams to end leases. */
const UPSTREAM_END_MS = 3000;
/** How long after its end a token still proves whose its lease was: use is reported late where the sidecar was away. */
const PROVES_LEASE_MS = 86_400_000;

/** A sidecar without its sockets. */
export interface Sidecar {
  readonly workload: WorkloadHandler;
  readonly admin: AdminHandler;
  readonly public: PublicRoutes;
  readonly health: HealthRoutes;
  readonly table: LeaseTable;
  readonly metrics: Metrics;
  readonly withdrawal: Withdrawal;
  readonly lifecycle: LifecycleRecords;
  /** Identities and credentials of the present configuration. */
  registry(): Registry;
  /** False for a peer that no identity of the present configuration can match. */
  mayMatch(peer: Peer): boolean;
  /** Counts a refusal of a listener, which never became a request. */
  refused(reason: RefusalReason, peer: Peer | undefined): void;
  /** Says that requests may be served. */
  serve(): void;
  /** Takes a new configuration: what it no longer gives ends at once. */
  apply(next: Config): Promise<void>;
  /**
   * Takes back what nobody holds any more, ends the event streams, and writes what was only counted. To be called
   * when no request is in flight.
   */
  stop(): Promise<void>;
}

/** Wires the parts together. Opens nothing, and starts nothing but the timers of the issuer's key and of old leases. */
export function assemble(outside: Outside): Sidecar {
  const { clock, timers, random, signer, standing, metrics, log } = outside;
  const telemetry = meteredTelemetry(outside.telemetry, metrics);
  const recorder = observedRecorder(outside.recorder, telemetry, clock);
  const heads = observedHeads(outside.heads, metrics);
  let config = outside.config;
  let registry: Registry = createRegistry(config);
  let match = outside.matcher(config.identities);
  let mayMatch = createMayMatch(config.identities);
  const current = (): Registry => registry;

  const proofs = createProofGate({ clock, random });
  const hub = createEventHub(outside.epoch);
  const { upstreams } = outside;
  const care = createUpstreamCare({
    upstreams,
    upstreamLeases: outside.upstreamLeases,
    ended: (ending, status) => records.endedUpstream(ending, status),
    clock,
    timers,
    random,
  });
  const table = createLeaseTable({ clock, timers, expired: care.expired });
  const cap = createIssueCap({ clock, perMinute: outside.issuesPerMinute ?? 6000 });
  const abandoned = (lease: Lease): void => {
    const { leases: bound, durable } = withdrawal.abandon(lease);
    durable.catch((error: unknown) => log.error('tokens were revoked, but not on disk', errorFields(error)));
    revocationRecords.revoked(bound, 'sidecar', null);
  };
  const manager = createLeaseManager({ table, cap, clock, timers, random, abandoned });
  const leases = observedLeases(manager, telemetry, clock);
  const withdrawal = createWithdrawal({
    leases,
    table,
    standing,
    hub,
    clock,
    barCap: createBarCap({ clock }),
    ending: care.ending,
    maxLifetimeSeconds: MAX_LIFETIME_SECONDS,
  });

  const flood = createFloodGate({ clock, timers, ...createFloodRecords({ recorder, registry: current, log }) });
  const records = createCredentialRecords({
    recorder,
    fingerprint: outside.fingerprint,
    flood,
    clock,
    node: outside.node,
  });
  const late = createLateRecords({ recorder, store: outside.lateStore, clock, timers, log });
  const revocationRecords = createRevocationRecords({ recorder, late, registry: current, log });
  const operatorRecords = createOperatorRecords({ recorder, late, registry: current, log });
  const registryRecords = createRegistryRecords({
    recorder,
    recorded: outside.recorded,
    continues: outside.continuesLog,
    standing,
    log,
  });
  const lifecycle = createLifecycleRecords({ recorder, registryRecords, registry: current, version: outside.version });

  const usageRecords = createUsageRecords({
    recorder,
    registry: current,
    table,
    owned: createOwnedLeases({
      table,
      readToken: createTokenReader(signer, { nowMs: () => clock.nowMs() - PROVES_LEASE_MS }),
    }),
    gate: createUsageGate({ clock }),
    earlier: outside.earlierReports,
    clock,
  });

  let configInForce = true;

  const unmatched = createUnmatchedPeers(clock);
  const admission = createAdmission({
    attest: outside.attest,
    match: (attestation) => {
      const matching = match(attestation);
      if (matching.length === 0) {
        unmatched.note(attestation);
        telemetry.unmatched(attestation);
      }
      return matching;
    },
    proofs,
  });

  const revocations = createRevocationAnswer({ signer, standing, clock });
  const workload = createWorkloadHandler({
    routes: workloadRoutes({
      admission,
      issuer: signer.issuer,
      registry: current,
      standing,
      leases,
      table,
      withdrawal,
      hub,
      signer,
      replySigner: outside.replySigner,
      upstreams,
      keeping: care.keeping,
      challenges: createUpstreamChallenges({ clock, random }),
      records,
      usageRecords,
      heads,
      revocationRecords,
      revocations,
      proofs,
      readToken: createTokenReader(signer, clock),
      clock,
      timers,
    }),
    proofs,
    flood,
    telemetry,
    metrics,
    log,
    clock,
  });
  metrics.describe(
    'tallystick_refused_total',
    'counter',
    'Connections and requests refused before routing, by reason.',
  );
  const census = createCensus({ registry: current, standing, table, clock });
  describeSidecar(metrics, {
    table,
    hub,
    recorder,
    late,
    standing,
    census,
    upstreams,
    ending: care.ending,
    configInForce: () => configInForce,
  });
  telemetry.observe(census);

  const { assertionKeys } = outside;
  care.watch({ table, leases: manager, hub, ended: (gone) => revocationRecords.revoked(gone, 'sidecar', null) });
  const keyRotation = startKeyRotation({
    signers: () => [signer, ...assertionKeys.opened()],
    clock,
    timers,
    record: ({ kid, previous }) => operatorRecords.keyRotated(kid, previous, null),
    rotated: ({ kid, previous }) => log.info('issuer key rotated', { kid, previous }),
    failed: (error) => log.error('the issuer key could not be rotated; it signs on', errorFields(error)),
  });
  let phase: 'starting' | 'serving' | 'stopping' = 'starting';
  const health = {
    isStarted: () => phase !== 'starting' && recorder.isWritable(),
    isReady: () => phase === 'serving' && recorder.isWritable(),
  };
  const admin = createAdminHandler(
    [
      ...adminStatusRoutes({
        config: () => config,
        configInForce: () => configInForce,
        registry: current,
        table,
        hub,
        recorder,
        heads,
        late,
        standing,
        upstreams,
        census,
        signer,
        clock,
        health,
        version: outside.version,
        epoch: outside.epoch,
      }),
      ...adminIdentityRoutes({
        registry: current,
        standing,
        withdrawal,
        records: operatorRecords,
        unmatched,
        clock,
        log,
      }),
      ...adminLeaseRoutes({ table, withdrawal, hub, revocationRecords, log }),
      ...adminUpstreamRoutes({ registry: current, upstreams }),
      ...adminAuditRoutes({ records: createReadRecords({ recorder }), origin: recorder.origin }),
      ...adminIssuerRoutes({
        signer,
        replySigner: outside.replySigner,
        trustDomain: config.trustDomain,
        records: operatorRecords,
        log,
      }),
      ...adminAssertionKeyRoutes({ assertionKeys, records: operatorRecords, log }),
    ],
    operatorRecords,
    log,
  );

  return {
    workload,
    admin,
    public: publicRoutes({ signer, revocations, logs: outside.publishedLogs }),
    health: healthRoutes(health, metrics),
    table,
    metrics,
    withdrawal,
    lifecycle: {
      ...lifecycle,
      async started() {
        await late.flush();
        return lifecycle.started();
      },
      configLoaded(source, sha256) {
        configInForce = source === 'file';
        return lifecycle.configLoaded(source, sha256);
      },
      configRefused(mistakes) {
        configInForce = false;
        return lifecycle.configRefused(mistakes);
      },
    },
    registry: current,
    mayMatch: (peer) => mayMatch(peer),
    refused(reason, peer) {
      metrics.count('tallystick_refused_total', { reason });
      if (peer) flood.refusal(peer.uid, reason);
    },
    serve() {
      phase = 'serving';
    },
    async apply(next) {
      const [before, was] = [registry, config];
      const after = createRegistry(next);
      // Before anything is released by it, and not waited for: what it takes away ends now.
      const onRecord = registryRecords.record(after);
      onRecord.catch(() => {});
      config = next;
      registry = after;
      match = outside.matcher(next.identities);
      mayMatch = createMayMatch(next.identities);
      const narrowed = narrowedIdentities(before, after);
      const ended = withdrawal.narrow(narrowed);
      const letGo = upstreams.apply(next);
      // What is being made has no lease yet that could be judged: it is thrown away, and made anew.
      leases.revokeWhere(({ key, holders }) => !holders && isMadeOtherwise(key.credential, was, next));
      const { gone, outdated } = judgeAfterChange(table.all(), letGo, next);
      const goneForGood = withdrawal.revokeLeases(gone);
      revocationRecords.revoked(goneForGood.leases, 'sidecar', null);
      withdrawal.rotate(outdated);
      // Told by `narrow` to drop what it holds, and no longer who it was: what follows is not meant for it.
      for (const id of narrowed) hub.recheck(id);
      for (const id of changedIdentities(before, after, narrowed)) hub.publish(id, { type: 'changed' });
      await ended;
      await goneForGood.durable;
      await onRecord;
    },
    async stop() {
      phase = 'stopping';
      keyRotation.stop();
      const hasLiveHolder = ({ key, holders }: Lease): boolean =>
        holders.entries().some(([jkt, peer]) => hub.isLive(key.identity, jkt) || peer.isAlive());
      const idle = [...table.all()].filter(
        (lease) =>
          config.revokeOnShutdown === 'always' || (config.revokeOnShutdown === 'idle' && !hasLiveHolder(lease)),
      );
      if (idle.length > 0) {
        const { leases: ended, durable } = withdrawal.letGoAll(idle);
        await durable.catch((error: unknown) => {
          log.error('leases were revoked, but not on disk', { count: ended.length, ...errorFields(error) });
        });
        revocationRecords.revoked(ended, 'sidecar', null);
      }
      await care.stop(UPSTREAM_END_MS);
      await upstreams.close();
      hub.close();
      flood.flush();
      late.stop();
      table.close();
    },
  };
}
