import type { TlogPolicy } from '@tallystick/audit';
import type { Clock, Timers } from '@tallystick/core';
import type { ReplicaConfig } from '../config/config.ts';
import { openPublishedFiles, type AnchoredLog } from './anchored-log.ts';
import type { CallGate } from './call-gate.ts';
import { openTarget } from './open-target.ts';
import type { Outages } from './outages.ts';
import { createReplicaRounds, type ReplicaRounds } from './replica-rounds.ts';
import { openWitnessRounds, type WitnessRounds } from './witness-rounds.ts';

/** To whom one log becomes known, as far as that is configured. */
export interface LogAnchors {
  readonly log: AnchoredLog;
  readonly witnesses: WitnessRounds | undefined;
  readonly replica: ReplicaRounds | undefined;
}

/** The inputs of {@link openLogAnchors} that are the same for all logs. */
export interface LogAnchorsOptions {
  /** The folder of all logs. */
  readonly folder: string;
  readonly policy: TlogPolicy | undefined;
  readonly place: ReplicaConfig | undefined;
  readonly gate: CallGate;
  readonly outages: { readonly witness: Outages; readonly replica: Outages };
  readonly clock: Clock;
  readonly timers: Timers;
}

/** @throws {TallystickError} `state_unusable`, as a rejection: the file of its anchored heads cannot be used. */
export async function openLogAnchors(log: AnchoredLog, options: LogAnchorsOptions): Promise<LogAnchors> {
  const { policy, outages, clock, timers } = options;
  const files = await openPublishedFiles(options.folder, log);
  const witnesses =
    policy && (await openWitnessRounds({ log, files, policy, outages: outages.witness, clock, timers }));
  return { log, witnesses, replica: await openReplicaRounds(log, options, () => witnesses?.newest) };
}

/** Returns the rounds that copy a log; undefined where no replica is configured. */
export async function openReplicaRounds(
  log: AnchoredLog,
  { folder, place, gate, outages, clock, timers }: LogAnchorsOptions,
  anchored: () => ReturnType<AnchoredLog['published']> = () => undefined,
): Promise<ReplicaRounds | undefined> {
  if (!place) return undefined;
  const files = await openPublishedFiles(folder, log);
  return createReplicaRounds({
    log,
    files,
    openTarget: (signal) => openTarget(place, { clock, timers }, signal),
    gate,
    anchored,
    outages: outages.replica,
    clock,
  });
}
