import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { systemRandom } from '@tallystick/core';
import { onTestFinished } from 'vitest';
import { assemble, type Sidecar } from '../../src/assemble.ts';
import { createAttest } from '../../src/attest/attest.ts';
import { createMatch } from '../../src/attest/match.ts';
import { socketAttestor } from '../../src/attest/socket.ts';
import { unixAttestor } from '../../src/attest/unix.ts';
import type { Attestation } from '../../src/attest/attestor.ts';
import type { Config } from '../../src/config/config.ts';
import { createAssertionKeys } from '../../src/issuer/assertion-keys.ts';
import { openLocalSigner } from '../../src/issuer/local-signer.ts';
import type { Signer } from '../../src/issuer/signer.ts';
import type { Peer } from '../../src/listen/peer.ts';
import type { EarlierReports } from '../../src/record/usage/earlier-reports.ts';
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts';
import { noTelemetry } from '../../src/observe/no-telemetry.ts';
import type { SidecarTelemetry } from '../../src/observe/sidecar-telemetry.ts';
import { openStanding, type Standing } from '../../src/state/standing.ts';
import { openUpstreamLeases, type UpstreamLease } from '../../src/state/upstream-leases.ts';
import { configOf, identity, ISSUER, peer } from '../acme.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime, type ManualTime } from '../manual-time.ts';
import { memoryLog, type MemoryLog } from '../memory-log.ts';
import { memoryHeads, type MemoryHeads } from '../record/memory-heads.ts';
import type { Upstreams } from '../../src/providers/upstreams.ts';
import { testProvider, upstreamsOf, type TestProvider } from '../providers/test-provider.ts';
import { memoryRecorder, NO_STORE, NOTHING_RECORDED, type MemoryRecorder } from '../record/memory-recorder.ts';

/** A sidecar on a clock that stands still, whose record is in memory, behind real sockets and real HTTP. */
export interface ServedSidecar {
  readonly sidecar: Sidecar;
  readonly time: ManualTime;
  readonly recorder: MemoryRecorder;
  readonly heads: MemoryHeads;
  readonly signer: Signer;
  readonly replySigner: Signer;
  /** The one upstream that all credentials of upstreams come from. */
  readonly upstream: TestProvider;
  readonly metrics: Metrics;
  readonly log: MemoryLog;
  readonly standing: Standing;
  /** Of its state. */
  readonly folder: string;
  /** Serves the workload socket to whoever connects as if it were `who`, and returns its path. */
  workload(who?: Partial<Peer>): Promise<string>;
  /** The same for the admin socket. */
  admin(who?: Partial<Peer>): Promise<string>;
}

export interface ServeOptions {
  readonly config?: Config;
  /** Wraps the signer, to make it slow or fail. */
  readonly signer?: (signer: Signer) => Signer;
  readonly telemetry?: (clock: ManualTime) => SidecarTelemetry;
  /** Waited for before a peer is attested. */
  readonly attesting?: () => Promise<void>;
  /** Returns the upstreams, given the one in memory. */
  readonly upstreams?: (upstream: TestProvider, time: ManualTime) => Upstreams;
  /** What an earlier run has left upstream. */
  readonly left?: readonly UpstreamLease[];
  /** What an earlier run has recorded of use. */
  readonly earlierReports?: EarlierReports;
}

export async function serveSidecar(options: ServeOptions = {}): Promise<ServedSidecar> {
  const folder = temporaryFolder();
  const [time, recorder, log, metrics] = [manualTime(), memoryRecorder(), memoryLog(), createMetrics()];
  const heads = memoryHeads();
  const path = join(folder, 'issuer-keys.json');
  const local = await openLocalSigner({ issuer: ISSUER, path, clock: time, maxLifetimeMs: 86_400_000 });
  const signer = options.signer?.(local) ?? local;
  const reply = { issuer: ISSUER, path: join(folder, 'reply-keys.json'), clock: time, maxLifetimeMs: 86_400_000 };
  const replySigner = await openLocalSigner({ ...reply, role: 'reply', carriesKey: true });
  const upstream = testProvider(time);
  const earlierRun = await openUpstreamLeases(folder, time);
  for (const lease of options.left ?? []) await earlierRun.keep(lease);
  await earlierRun.close();
  const upstreamLeases = await openUpstreamLeases(folder, time);
  onTestFinished(() => upstreamLeases.close());
  const standing = await openStanding(folder, time);
  const attest = createAttest([unixAttestor, socketAttestor]);
  const sidecar = assemble({
    config: options.config ?? configOf([identity('close-batch')]),
    clock: time,
    timers: time,
    random: systemRandom,
    recorder,
    heads,
    publishedLogs: { list: async () => [], head: async () => undefined, tile: async () => undefined },
    earlierReports: options.earlierReports ?? (async () => new Map()),
    fingerprint: () => 'hmac-sha256:k1:00000000000000000000000000000000',
    lateStore: NO_STORE,
    recorded: NOTHING_RECORDED,
    continuesLog: false,
    signer,
    replySigner,
    assertionKeys: createAssertionKeys({
      federationUrl: 'https://identity.acme.example',
      folder,
      clock: time,
      random: systemRandom,
    }),
    upstreams: options.upstreams?.(upstream, time) ?? upstreamsOf(upstream),
    upstreamLeases,
    standing,
    attest: async (who): Promise<Attestation> => {
      await options.attesting?.();
      return attest(who);
    },
    matcher: createMatch,
    telemetry: options.telemetry?.(time) ?? noTelemetry,
    metrics,
    log,
    node: 'host-7',
    version: '0.0.0',
    epoch: 'epoch-1',
  });
  sidecar.serve();

  let sockets = 0;
  const serve = async (handler: Sidecar['workload'], who: Peer): Promise<string> => {
    const path = join(folder, `${sockets++}.sock`);
    const server = createServer({ joinDuplicateHeaders: true, keepAliveTimeout: 60_000 }, (request, response) => {
      void handler(request, response, who);
    });
    await once(server.listen(path), 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return path;
  };
  return {
    sidecar,
    time,
    recorder,
    heads,
    signer,
    replySigner,
    upstream,
    metrics,
    log,
    standing,
    folder,
    workload: (who) => serve(sidecar.workload, peer(who)),
    admin: (who) => serve(sidecar.admin, peer({ socket: 'admin', uid: 0, ...who })),
  };
}
