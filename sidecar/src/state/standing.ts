import type { Clock, Revocation } from '@tallystick/core';
import { join } from 'node:path';
import { readStateFile, writeStateFile } from './state-file.ts';

/** That an operator stopped an identity. */
export interface Suspension {
  readonly identity: string;
  /** RFC 3339. */
  readonly since: string;
  readonly reason: string;
}

/**
 * What was taken away and must stay so over restarts: suspensions and revocations. A change takes hold at once, in
 * memory, and is written after: taking rights away never waits for a disk.
 */
export interface Standing {
  isSuspended(identity: string): boolean;
  suspensions(): readonly Suspension[];
  /** Lines that are still of use. */
  revocations(): readonly Revocation[];
  /** Changes with every change of the revocations: the ETag of the list. */
  readonly version: number;
  /** Resolves when durable; rejects with `state_unusable` when it is not, while it holds in memory all the same. */
  suspend(identity: string, reason: string): Promise<void>;
  resume(identity: string): Promise<void>;
  revoke(lines: readonly Revocation[]): Promise<void>;
}

const WHAT = 'suspensions and revocations';

/** Opens the standing of this sidecar. @throws {TallystickError} `state_unusable` */
export async function openStanding(folder: string, clock: Pick<Clock, 'nowMs'>): Promise<Standing> {
  const path = join(folder, 'standing.json');
  const stored = (await readStateFile(path, WHAT)) as { suspensions: Suspension[]; revoked: Revocation[] } | undefined;
  const suspended = new Map((stored?.suspensions ?? []).map((line) => [line.identity, line]));
  let revoked: readonly Revocation[] = stored?.revoked ?? [];
  let version = 0;
  let saving: Promise<void> | undefined;
  let again: Promise<void> | undefined;

  const write = (): Promise<void> =>
    writeStateFile(path, WHAT, {
      suspensions: [...suspended.values()].map((line) => ({ ...line })),
      revoked: revoked.map((line) => ({ ...line })),
    });
  // One write at a time; changes made meanwhile share the next one.
  const save = (): Promise<void> => {
    if (!saving) {
      saving = write().finally(() => (saving = undefined));
      return saving;
    }
    again ??= saving
      .catch(() => {})
      .then(() => {
        again = undefined;
        return save();
      });
    return again;
  };
  const live = (): readonly Revocation[] => {
    const now = clock.nowMs() / 1000;
    return revoked.filter((line) => line.until > now);
  };

  return {
    isSuspended: (identity) => suspended.has(identity),
    suspensions: () => [...suspended.values()],
    revocations: live,
    get version() {
      return version;
    },
    suspend(identity, reason) {
      suspended.set(identity, { identity, since: new Date(clock.nowMs()).toISOString(), reason });
      return save();
    },
    resume(identity) {
      suspended.delete(identity);
      return save();
    },
    revoke(lines) {
      revoked = [...live(), ...lines];
      version++;
      return save();
    },
  };
}
