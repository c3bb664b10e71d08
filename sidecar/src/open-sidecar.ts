import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Head, OpenJournal } from '@tallystick/audit';
import { ulid, type Clock, type Random, type Timers } from '@tallystick/core';
import type { Provider } from './providers/provider.ts';
import { checkSubject } from './providers/federation/check-files.ts';
import { guard } from './providers/guard/guard.ts';
import { createOwnSecrets } from './providers/own-secrets.ts';
import { createUpstreams } from './providers/upstreams.ts';
import { providerMemory } from './state/provider-memory.ts';
import { openUpstreamLeases } from './state/upstream-leases.ts';
import { assemble, MAX_LIFETIME_SECONDS, type Sidecar } from './assemble.ts';
import type { AnchoredLog } from './anchor/anchored-log.ts';
import type { Anchoring } from './anchor/anchoring.ts';
import { createAttest } from './attest/attest.ts';
import type { Attestor } from './attest/attestor.ts';
import { createMatch } from './attest/match.ts';
import { socketAttestor } from './attest/socket.ts';
import { unixAttestor } from './attest/unix.ts';
import type { Config, ProviderConfig } from './config/config.ts';
import { createAssertionKeys } from './issuer/assertion-keys.ts';
import { openLocalSigner } from './issuer/local-signer.ts';
import { errorFields, type Log } from './observe/log.ts';
import { meteredCalls } from './observe/metered-calls.ts';
import { createMetrics } from './observe/metrics.ts';
import { noTelemetry } from './observe/no-telemetry.ts';
import { observedAttestor } from './observe/observed-attestor.ts';
import type { SidecarTelemetry } from './observe/sidecar-telemetry.ts';
import { createEarlierReports } from './record/usage/earlier-reports.ts';
import { openLateStore } from './record/late-records.ts';
import { readEscrow } from './record/fingerprint/fingerprint-escrow.ts';
import { openRecorder } from './record/open-recorder.ts';
import type { OpenedRecorder } from './record/opened-recorder.ts';
import { createPublishedLogs } from './record/published-logs.ts';
import type { Operator } from './record/record.ts';
import { openRecordedRegistry, readRecordedCopy } from './record/registry/recorded-registry.ts';
import { openShardAnchoring, type ShardAnchoring } from './record/shards/shard-anchoring.ts';
import { startShardCutting } from './record/shards/shard-cutting.ts';
import { startShardRetention } from './record/shards/shard-retention.ts';
import { refuseEarlierRecord } from './state/earlier-record.ts';
import { openStanding } from './state/standing.ts';
import { prepareStateFolder, sidecarId } from './state/state-folder.ts';
import { lockState } from './state/state-lock.ts';
import { VERSION } from './version.ts';

/** What recognises workloads, in the order in which they are asked. A new attestor is a file, and a line here. */
const ATTESTORS: readonly Attestor[] = [unixAttestor, socketAttestor];

/** What a sidecar is opened with. */
export interface OpenOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** Returns the telemetry of a sidecar, whose id names it there as in its records. */
  readonly telemetry: (sidecarId: string) => Promise<SidecarTelemetry>;
  readonly journal: OpenJournal;
  /** As {@link OpenRecorderOptions.prepareJournal}. */
  readonly prepareJournal?: () => void;
  /** What the log's disk is measured by, which is never a test's time. */
  readonly disk: { readonly clock: Clock; readonly timers: Timers };
  /** False on a clock that a test moves: a log says nothing of its heart there. */
  readonly heartbeat: boolean;
  /** Whether the log becomes known outside, as far as the configuration says: not on a clock that a test moves. */
  readonly anchored: boolean;
  /** Who begins a new incarnation of the log; undefined: it goes on. */
  readonly newIncarnation?: Operator | undefined;
  /** Told once when records can no longer be written: the process may not go on. */
  readonly onRecordFailure: () => void;
}

/** A sidecar over its state, without its sockets. */
export interface OpenedSidecar {
  readonly sidecar: Sidecar;
  readonly recorder: OpenedRecorder;
  /** Closes the record and lets go of the state. Never rejects. */
  close(): Promise<void>;
}

/**
 * Opens the state of a sidecar and picks its implementations: the same for the daemon and for the one that tests
 * embed. Only the clock and the way in differ between them.
 *
 * @throws {TallystickError} `state_unusable`, `state_newer`, `record_unavailable`
 */
export async function openSidecar(options: OpenOptions): Promise<OpenedSidecar> {
  const { config, clock, timers, random, log } = options;
  await refuseEarlierRecord(config.state.audit);
  const folders = [...new Set(Object.values(config.state))];
  for (const folder of folders) await prepareStateFolder(folder);
  const lock = lockState(folders);
  let recorder: OpenedRecorder | undefined;
  const stops: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(stops.map((stop) => stop()));
    await recorder?.close().catch((error: unknown) => log.error('the record did not close', errorFields(error)));
    lock.release();
  };
  try {
    const id = await sidecarId(config.state.leases, config.sidecarId, clock, random);
    const telemetry = await options.telemetry(id);
    const replicated = new Map<string, Head>();
    const escrow = config.audit.escrow === undefined ? undefined : await readEscrow(config.audit.escrow);
    const copy = await readRecordedCopy(config.state.leases);
    const recording = openRecorder({
      folder: config.state.audit,
      keys: config.state.keys,
      trustDomain: config.trustDomain,
      sidecarId: id,
      version: VERSION,
      clock,
      disk: options.disk,
      heartbeat: options.heartbeat ? timers : undefined,
      random,
      openJournal: options.journal,
      ...(options.prepareJournal && { prepareJournal: options.prepareJournal }),
      localMax: config.audit.localMax,
      escrow,
      fiscalYear: config.audit.fiscalYear,
      isReplicated: config.audit.replica !== undefined,
      known: copy?.origin,
      newIncarnation: options.newIncarnation,
      anchor: options.anchored ? anchor(options, telemetry, replicated) : undefined,
      onFailure: (error) => {
        log.error('the record failed: nothing is released any more', errorFields(error));
        telemetry.recordEnded(error);
        options.onRecordFailure();
      },
    });
    const signing = openLocalSigner({
      issuer: config.issuer.url,
      path: join(config.state.keys, 'issuer-keys.json'),
      clock,
      maxLifetimeMs: MAX_LIFETIME_SECONDS * 1000,
    });
    const replying = openLocalSigner({
      issuer: config.issuer.url,
      role: 'reply',
      carriesKey: true,
      path: join(config.state.keys, 'reply-keys.json'),
      clock,
      maxLifetimeMs: MAX_LIFETIME_SECONDS * 1000,
    });
    const upstreamLeases = openUpstreamLeases(config.state.leases, clock);
    stops.push(async () => (await upstreamLeases).close());
    const standing = openStanding(config.state.leases, clock);
    // Beside each other, because a thread takes a while to start; and all to their end, before the lock may be released.
    await Promise.allSettled([recording, signing, replying, upstreamLeases, standing]);
    recorder = await recording;
    if (!recorder.isEscrowed) {
      log.warn('the fingerprint key of this log is not sealed to "audit.escrow"', {
        remedy: 'begin a new incarnation with "tallystick run --new-incarnation REASON": its key will be',
      });
    }
    const assertionKeys = createAssertionKeys({
      federationUrl: config.federationUrl,
      folder: config.state.keys,
      clock,
      random,
    });
    const { trustDomain } = config;
    const subject = checkSubject({ trustDomain, sidecarId: id });
    const ownSecrets = createOwnSecrets({ upstreams: () => upstreams, subject, clock, timers, random });
    const providerContext = { trustDomain, sidecarId: id, clock, timers, random, ownSecrets };
    const openProvider = ({ name, kind, settings }: ProviderConfig): Promise<Provider> =>
      kind.open(settings, {
        ...providerContext,
        name,
        log,
        sign: assertionKeys.sign,
        memory: providerMemory(config.state.keys, name),
      });
    const recorded = await openRecordedRegistry(config.state.leases, copy, recorder);
    const metrics = createMetrics();
    const observe = meteredCalls(telemetry.providerCall, metrics);
    const upstreams = createUpstreams({
      config,
      open: openProvider,
      guard: (name, provider, fleetSize) => guard(provider, { name, clock, timers, random, fleetSize, observe, log }),
    });
    const sidecar = assemble({
      config,
      clock,
      timers,
      random,
      recorder,
      heads: recorder.heads,
      publishedLogs: createPublishedLogs({ folder: config.state.audit, recorder }),
      earlierReports: createEarlierReports(recorder.opened),
      fingerprint: recorder.fingerprint,
      lateStore: await openLateStore(config.state.leases),
      recorded,
      continuesLog: options.newIncarnation !== undefined,
      signer: await signing,
      replySigner: await replying,
      assertionKeys,
      upstreams,
      upstreamLeases: await upstreamLeases,
      standing: await standing,
      attest: createAttest(ATTESTORS.map((attestor) => observedAttestor(attestor, telemetry, clock))),
      matcher: createMatch,
      telemetry,
      metrics,
      log,
      node: hostname(),
      version: VERSION,
      epoch: ulid(clock, random),
    });
    const { isSuspended } = await standing;
    stops.push(
      startShardCutting({
        recorder,
        recorded,
        isSuspended,
        leases: () => Array.from(sidecar.table.all(), (lease) => lease.id),
        keys: config.state.keys,
        timers,
        log,
      }),
    );
    if (config.audit.replica) {
      const { hold } = config.audit;
      stops.push(startShardRetention({ recorder, folder: config.state.audit, replicated, hold, timers, log }));
    }
    return { sidecar, recorder, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Returns what anchors the log. Loaded when there is somebody to whom it becomes known. */
function anchor(
  { config: { state, audit }, clock, timers, random, log: logger }: OpenOptions,
  telemetry: SidecarTelemetry,
  replicated: Map<string, Head>,
): ((log: AnchoredLog) => Promise<ShardAnchoring>) | undefined {
  if (audit.anchors.policy === undefined && !audit.replica && telemetry === noTelemetry) return undefined;
  const published = telemetry.checkpointPublished;
  const open = async (log: AnchoredLog): Promise<Anchoring> => {
    const { openAnchoring } = await import('./anchor/open-anchoring.ts');
    return openAnchoring({
      log,
      folder: state.audit,
      config: audit,
      clock,
      timers,
      random,
      logger,
      published,
      replicated: (closed) => replicated.set(closed.origin, closed),
    });
  };
  return (log) => openShardAnchoring({ log, open, logger });
}
