import { hash } from 'node:crypto';
import { createNodeDisk, inlineJournal } from '@tallystick/audit';
import { systemClock, systemRandom, systemTimers, TallystickError, type Clock, type Timers } from '@tallystick/core';
import { validateConfig } from './config/parse-config.ts';
import { formatPath, type Fault } from './config/fault.ts';
import type { Log } from './observe/log.ts';
import { noTelemetry } from './observe/no-telemetry.ts';
import { openSidecar } from './open-sidecar.ts';
import { createListeners, type Listeners } from './serve.ts';

/** What a sidecar is embedded with. */
export interface EmbedOptions {
  /** A configuration as its YAML file would give it: the keys of `tallystick.yaml`. */
  readonly config: unknown;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** A whole sidecar in this process, on its real sockets. */
export interface EmbeddedSidecar {
  /** `iss` of its tokens. */
  readonly issuer: string;
  /** What `GET /jwks` answers. */
  jwks(): Promise<{ readonly keys: readonly Record<string, string>[] }>;
  /** What `GET /revocations` answers: a signed JWT. */
  revocations(): Promise<string>;
  /** Asks the holders of an identity's leases to replace them now; they stay good until then. */
  rotate(identity: string): void;
  /** Ends all leases of an identity. */
  revoke(identity: string): Promise<void>;
  suspend(identity: string): Promise<void>;
  resume(identity: string): Promise<void>;
  /** True: closes the sockets, as if the sidecar were away; false: opens them again. */
  outage(on: boolean): Promise<void>;
  /** The records so far, parsed. */
  records(): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

/**
 * Starts a sidecar in this process, for tests: the daemon's own parts, over a configuration that is data.
 *
 * @throws {TallystickError} `config_invalid` with the first mistakes, or why it cannot start.
 */
export async function embedSidecar({ config: value, clock, timers }: EmbedOptions): Promise<EmbeddedSidecar> {
  const config = readConfig(value);
  const { sidecar, recorder, close } = await openSidecar({
    config,
    clock,
    timers,
    random: systemRandom,
    log: silentLog,
    // A thread would cost each of a dozen sidecars more than the disk of a test ever takes.
    journal: inlineJournal(createNodeDisk),
    disk: { clock: systemClock, timers: systemTimers },
    heartbeat: false,
    anchored: false,
    telemetry: async () => noTelemetry,
    onRecordFailure: () => {},
  });
  const open = async (): Promise<Listeners> => {
    const listeners = createListeners({
      config,
      sidecar,
      timers,
      refused: (reason, peer) => sidecar.refused(reason, peer),
      failed: () => {},
    });
    await listeners.start();
    return listeners;
  };
  let listeners: Listeners | undefined;
  try {
    await sidecar.lifecycle.started();
    await sidecar.lifecycle.configLoaded('file', hash('sha256', JSON.stringify(value), 'base64url'));
    listeners = await open();
  } catch (error) {
    await close();
    throw error;
  }
  sidecar.serve();

  const identityOf = (id: string) => {
    const identity = sidecar.registry().identities.get(id);
    if (!identity) throw new TallystickError('invalid_request', `there is no identity "${id}"`);
    return identity;
  };
  const leasesOf = (id: string) => [...sidecar.table.all()].filter(({ key }) => key.identity === id);
  const answerOf = async (path: string): Promise<string> => String((await sidecar.public(path, {}))!.body);

  return {
    issuer: config.issuer.url,
    jwks: async () => JSON.parse(await answerOf('/jwks')) as { keys: Record<string, string>[] },
    revocations: () => answerOf('/revocations'),
    rotate: (identity) => sidecar.withdrawal.rotate(leasesOf(identityOf(identity).id)),
    revoke: (identity) => sidecar.withdrawal.revokeIdentity(identityOf(identity).id).durable,
    suspend: async (identity) => {
      await sidecar.withdrawal.suspend(identityOf(identity), 'test').durable;
    },
    resume: (identity) => sidecar.withdrawal.resume(identityOf(identity)),
    async outage(on) {
      if (on) {
        await listeners?.stop(0);
        listeners = undefined;
      } else {
        listeners ??= await open();
      }
    },
    async records() {
      const records: Record<string, unknown>[] = [];
      for await (const bytes of recorder.log.readRecords(0, Infinity)) {
        records.push(JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>);
      }
      return records;
    },
    async close() {
      await listeners?.stop(0);
      listeners = undefined;
      await sidecar.stop();
      await close();
    },
  };
}

function readConfig(value: unknown) {
  const faults: Fault[] = [];
  const valid = validateConfig(value, (fault) => faults.push(fault));
  if (valid) return valid.config;
  const shown = faults.slice(0, 5).map(({ path, message }) => `${formatPath(path)}: ${message}`);
  throw new TallystickError('config_invalid', shown.join('; '), {
    remedy: faults[0]?.remedy ?? 'correct the configuration',
  });
}

// A test sees what went wrong by what its calls answer.
const nothing = (): void => {};
const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
