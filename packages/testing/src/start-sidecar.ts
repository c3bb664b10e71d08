import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@tallystick/core';
import type { Identity } from '@tallystick/sdk';
import { connectWith } from '@tallystick/sdk/internal';
import { embedSidecar } from '@tallystick/sidecar/embedded';
import { completeConfig, type TestConfig } from './config.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';

/** A whole sidecar in the test's process, with real sockets and keys, on a clock that the test moves. */
export interface TestSidecar extends AsyncDisposable {
  /** `iss` of its tokens. */
  readonly issuer: string;
  /** For workloads of other processes: set as `TALLYSTICK_SOCKET`. */
  readonly socket: string;
  /** Moves the sidecar's and every connected identity's time. */
  readonly clock: ManualClock;
  /** Connects as an identity, with a key of its own: each call is another workload. */
  connect(id: string): Promise<Identity>;
  /** Returns the options with which `createVerifier` of `@tallystick/resource-server` accepts this sidecar's tokens. */
  verifierOptions(options: { audience: string; publicOrigins: readonly string[] }): Promise<TestVerifierOptions>;
  /** Has the leases of an identity replaced; the old tokens stay good. */
  rotate(id: string): void;
  /** Ends all leases of an identity. */
  revoke(id: string): Promise<void>;
  suspend(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /** True: the sidecar is away; false: it is back. */
  outage(on: boolean): Promise<void>;
  /** What the sidecar has put on record. */
  records(): Promise<readonly Record<string, unknown>[]>;
  /** Closes every identity and the sidecar, and removes its folder. */
  close(): Promise<void>;
}

/** Options of `createVerifier`, complete for a test. */
export interface TestVerifierOptions {
  readonly issuers: readonly {
    readonly issuer: string;
    readonly jwks: { readonly keys: readonly Record<string, string>[] };
    readonly subjects: readonly string[];
  }[];
  readonly audience: string;
  readonly publicOrigins: readonly string[];
  readonly clock: Clock;
}

/** Starts a sidecar for a test. A dozen may run beside each other. */
export async function startSidecar(config: TestConfig): Promise<TestSidecar> {
  const clock = createManualClock();
  const folder = await mkdtemp(join(tmpdir(), 'tallystick-'));
  const sidecar = await embedSidecar({
    config: completeConfig(config, folder, clock.nowMs()),
    clock,
    timers: clock,
  }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const socket = `unix://${folder}/app/api.sock`;
  const identities = new Set<Identity>();

  const close = async (): Promise<void> => {
    await Promise.all([...identities].map((identity) => identity.close()));
    await sidecar.close();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    issuer: sidecar.issuer,
    socket,
    clock,
    async connect(id) {
      const identity = await connectWith({ clock, timers: clock }, { socket, identity: id });
      identities.add(identity);
      return identity;
    },
    async verifierOptions({ audience, publicOrigins }) {
      return {
        issuers: [
          { issuer: sidecar.issuer, jwks: await sidecar.jwks(), subjects: config.identities.map(({ id }) => id) },
        ],
        audience,
        publicOrigins,
        clock,
      };
    },
    rotate: (id) => sidecar.rotate(id),
    revoke: (id) => sidecar.revoke(id),
    suspend: (id) => sidecar.suspend(id),
    resume: (id) => sidecar.resume(id),
    outage: (on) => sidecar.outage(on),
    records: () => sidecar.records(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
