import { join } from 'node:path';
import type { Clock } from '@tallystick/core';
import { readStateFile, writeStateFile } from '../state/state-file.ts';

/** How long a sidecar is started from a copy after its configuration was found broken. */
export const COPY_LIFETIME_MS = 24 * 3_600_000;

/** A copy of a configuration that was good. */
export interface Copy {
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly usableUntilMs: number;
}

/**
 * The copy of the last good configuration, kept in state so that a broken one does not stop a sidecar that restarts.
 *
 * The time counts from when the file was first found broken, not from when the copy was made: a configuration that
 * stood for a year is as good as one of today.
 */
export interface LastGood {
  /** Notes that this text is in use and its file is good. Durable when it resolves. @throws {TallystickError} `state_unusable` */
  keep(text: string): Promise<void>;
  /** Notes that the file is broken, and since when. Durable when it resolves. @throws {TallystickError} `state_unusable` */
  refuse(): Promise<void>;
  /** Returns the copy; undefined when there is none, it is torn, or its time is over. */
  read(): Promise<Copy | undefined>;
}

interface Stored {
  readonly text: string;
  /** Milliseconds since the epoch; null while the file is good. */
  readonly brokenSinceMs: number | null;
}

const WHAT = 'the last good configuration';

/** Returns the copy in `folder`, a state folder that is there and ours alone. */
export function createLastGood(folder: string, clock: Pick<Clock, 'nowMs'>): LastGood {
  const path = join(folder, 'last-good.json');
  const read = async (): Promise<Stored | undefined> => {
    try {
      return parseStored(await readStateFile(path, WHAT));
    } catch {
      // Torn or changed by hand: as good as none.
      return undefined;
    }
  };
  return {
    async keep(text) {
      const stored = await read();
      if (stored?.text !== text || stored.brokenSinceMs !== null) {
        await writeStateFile(path, WHAT, { text, brokenSinceMs: null });
      }
    },
    async refuse() {
      const stored = await read();
      if (stored?.brokenSinceMs === null) {
        await writeStateFile(path, WHAT, { text: stored.text, brokenSinceMs: clock.nowMs() });
      }
    },
    async read() {
      const stored = await read();
      if (!stored) return undefined;
      const usableUntilMs = (stored.brokenSinceMs ?? clock.nowMs()) + COPY_LIFETIME_MS;
      return clock.nowMs() < usableUntilMs ? { text: stored.text, usableUntilMs } : undefined;
    },
  };
}

function parseStored(content: unknown): Stored | undefined {
  const { text, brokenSinceMs } = (content ?? {}) as Record<string, unknown>;
  const known = typeof text === 'string' && (brokenSinceMs === null || typeof brokenSinceMs === 'number');
  return known ? { text, brokenSinceMs } : undefined;
}
