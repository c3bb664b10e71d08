import type { RecordBodies } from '@tallystick/audit';
import type { Timer, Timers } from '@tallystick/core';
import { OF_THE_LOG } from './of-the-log.ts';
import type { Recorder } from './record.ts';

/** A log falls silent for no longer than this, in milliseconds. */
export const HEARTBEAT_MS = 60_000;

/** What keeps an idle log from falling silent. */
export interface Heartbeat {
  /** Told of each record: it is a sign of life itself. */
  postpone(): void;
  stop(): void;
}

/** The inputs of {@link startHeartbeat}. */
export interface HeartbeatOptions {
  readonly recorder: Recorder;
  /** Returns what a heartbeat says beside that the writer is alive. */
  readonly facts: () => Pick<RecordBodies['log.heartbeat'], 'anchor' | 'durability'>;
  readonly timers: Timers;
}

/** Appends `log.heartbeat` before nothing was recorded for longer than {@link HEARTBEAT_MS}. */
export function startHeartbeat({ recorder, facts, timers }: HeartbeatOptions): Heartbeat {
  let timer: Timer | undefined;
  let idle = false;

  const beat = (): Promise<unknown> => recorder.append({ ...OF_THE_LOG, type: 'log.heartbeat', body: facts() });
  // Half the time: a record just after a look must not double the silence.
  const arm = (): void => {
    timer = timers.after(HEARTBEAT_MS / 2, () => {
      // A log that has failed has told so; one that is full is silent until there is space.
      if (idle) beat().catch(() => {});
      idle = !idle;
      arm();
    });
  };
  arm();
  return {
    postpone() {
      idle = false;
    },
    stop: () => timer?.cancel(),
  };
}
