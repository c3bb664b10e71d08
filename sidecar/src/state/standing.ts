import { join } from 'node:path';
import { indexRevocations, type Clock, type RevocableToken, type Revocation } from '@tallystick/core';
import { readStateFile, writeStateFile } from './state-file.ts';

/** That an operator stopped an identity. */
export interface Suspension {
  readonly identity: string;
  /** RFC 3339. */
  readonly since: string;
  readonly reason: string;
}

/**
 * What was taken away and must stay so over restarts: suspensions and revocations. Taking away holds at once, in
 * memory, and is written after: it never waits for a disk. Giving back holds when it is written.
 *
 * What a change returns resolves when it is durable, and rejects with `state_unusable` when it is not: a right that
 * was taken away stays so in memory, and the next change tries the disk again.
 */
export interface Standing {
  isSuspended(identity: string): boolean;
  suspensions(): readonly Suspension[];
  /** True while a line revokes every token of a key. */
  isKeyRevoked(jkt: string): boolean;
  /** True when a line revokes this token. In constant time. */
  revokes(token: RevocableToken): boolean;
  /** Lines that are still of use. */
  revocations(): readonly Revocation[];
  /** How many lines there are. */
  readonly size: number;
  /** Changes with every change of the revocations. */
  readonly version: number;
  suspend(identity: string, reason: string): Promise<void>;
  resume(identity: string): Promise<void>;
  revoke(lines: readonly Revocation[]): Promise<void>;
}

const WHAT = 'suspensions and revocations';
/** Lines are kept for this long after their end, seconds: the clock of an API may be behind, and ours may be set back. */
export const KEPT_SECONDS = 900;

/** Opens the standing of this sidecar. @throws {TallystickError} `state_unusable` */
export async function openStanding(folder: string, clock: Clock): Promise<Standing> {
  const path = join(folder, 'standing.json');
  const stored = (await readStateFile(path, WHAT)) as { suspensions: Suspension[]; revoked: Revocation[] } | undefined;
  const suspended = new Map((stored?.suspensions ?? []).map((line) => [line.identity, line]));
  const resuming = new Set<string>();
  const lines = new Map((stored?.revoked ?? []).map((line) => [lineKey(line.kind, line.value), line]));
  let version = 0;
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  // The monotonic instant before which a line is kept, whatever the wall clock says: one that jumps ahead and is set
  // right again would make good what was revoked.
  const keptUntilMs = new Map<string, number>();
  const keep = (key: string, until: number): void => {
    keptUntilMs.set(key, clock.monotonicMs() + (until + KEPT_SECONDS) * 1000 - clock.nowMs());
  };
  for (const [key, { until }] of lines) keep(key, until);
  const prune = (): void => {
    const oldest = clock.nowMs() / 1000 - KEPT_SECONDS;
    for (const [key, { until }] of lines) {
      if (until >= oldest || clock.monotonicMs() < keptUntilMs.get(key)!) continue;
      lines.delete(key);
      keptUntilMs.delete(key);
    }
  };
  const write = (): Promise<void> => {
    prune();
    return writeStateFile(path, WHAT, {
      suspensions: [...suspended.values()]
        .filter(({ identity }) => !resuming.has(identity))
        .map((line) => ({ ...line })),
      revoked: [...lines.values()].map((line) => ({ ...line })),
    });
  };
  // One write at a time, begun a turn later: the changes of one command, and those made meanwhile, share the next.
  const save = (): Promise<void> => {
    next ??= (writing ?? Promise.resolve())
      .catch(() => {})
      .then(() => {
        next = undefined;
        writing = write();
        return writing;
      });
    return next;
  };

  return {
    isSuspended: (identity) => suspended.has(identity),
    suspensions: () => [...suspended.values()],
    isKeyRevoked: (jkt) => lines.has(lineKey('jkt', jkt)),
    revokes(token) {
      const { jti, certificate, jkt, sub } = token;
      const named = [
        ['jti', jti],
        ['jti', certificate],
        ['jkt', jkt],
        ['sub', sub],
      ] as const;
      const found = named.map(([kind, value]) => (value === undefined ? undefined : lines.get(lineKey(kind, value))));
      return indexRevocations(found.filter((line) => line !== undefined)).revokes(token);
    },
    revocations() {
      prune();
      return [...lines.values()];
    },
    get size() {
      return lines.size;
    },
    get version() {
      return version;
    },
    suspend(identity, reason) {
      resuming.delete(identity);
      suspended.set(identity, { identity, since: new Date(clock.nowMs()).toISOString(), reason });
      return save();
    },
    async resume(identity) {
      if (!suspended.has(identity)) return;
      resuming.add(identity);
      try {
        await save();
        // Suspended again meanwhile: that is the later word.
        if (resuming.has(identity)) suspended.delete(identity);
      } finally {
        resuming.delete(identity);
      }
    },
    async revoke(added) {
      let changed = false;
      for (const line of added) {
        const key = lineKey(line.kind, line.value);
        const held = lines.get(key);
        const merged = held ? merge(held, line) : line;
        if (merged === held) continue;
        lines.set(key, merged);
        keep(key, merged.until);
        changed = true;
      }
      // What is there already is durable, or being made so; if that failed, it is tried again.
      if (!changed) return (next ?? writing)?.catch(() => save());
      version++;
      await save();
    },
  };
}

function lineKey(kind: Revocation['kind'], value: string): string {
  return `${kind} ${value}`;
}

/** Returns the line that revokes what either does: the held one itself where the other adds nothing. */
function merge(held: Revocation, line: Revocation): Revocation {
  const until = Math.max(held.until, line.until);
  if (held.kind !== 'sub' || line.kind !== 'sub') return until === held.until ? held : { ...held, until };
  const before = Math.max(held.before, line.before);
  return until === held.until && before === held.before ? held : { ...held, before, until };
}
