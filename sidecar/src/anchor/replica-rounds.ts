import {
  checkAgainstAnchor,
  LogError,
  newestReplicatedHead,
  openReplica,
  placePath,
  type Replica,
  type ReplicaTarget,
  type SignedHead,
} from '@tallystick/audit';
import type { Clock } from '@tallystick/core';
import type { AnchoredLog, PublishedFiles } from './anchored-log.ts';
import type { ReplicaStatus } from './anchoring-status.ts';
import type { CallGate } from './call-gate.ts';
import type { Outages } from './outages.ts';

/** The rounds in which one log is copied to its replica. */
export interface ReplicaRounds {
  status(): ReplicaStatus;
  /**
   * Holds the log to the newest head that the replica has, if that is no older than its own. Where an older one is of
   * another history, the first copy finds out.
   *
   * @throws {LogError} `behind_anchor` or `forked`, as a rejection.
   */
  check(signal: AbortSignal): Promise<void>;
  /** Copies what is missing; returns whether the replica has acknowledged it. Does not reject. */
  round(signal: AbortSignal): Promise<boolean>;
}

/** The inputs of {@link createReplicaRounds}. */
export interface ReplicaRoundsOptions {
  readonly log: AnchoredLog;
  readonly files: PublishedFiles;
  /** Opens the target anew: one that has failed is not used again. */
  readonly openTarget: (signal: AbortSignal) => Promise<ReplicaTarget>;
  readonly gate: CallGate;
  /** Returns the newest head with the quorum of the policy; undefined where there is none. */
  readonly anchored: () => SignedHead | undefined;
  readonly outages: Outages;
  readonly clock: Clock;
}

export function createReplicaRounds(options: ReplicaRoundsOptions): ReplicaRounds {
  const { log, files, openTarget, gate, anchored, outages, clock } = options;
  const { origin } = log;
  let replica: Replica | undefined;
  let ended: AbortSignal | undefined;
  /** The head that was copied last. */
  let copied: Uint8Array | undefined;
  let holdsHead = false;
  let acknowledgedMs: number | undefined;
  let acknowledged = false;
  let acknowledgedSize = 0;

  /** The head that the replica lacks: one that is cosigned, unless the witnesses have fallen behind. */
  const wanted = (): SignedHead | undefined => {
    const [cosigned, published] = [anchored(), log.published()];
    const had = replica?.replicated?.size;
    // In an earlier run it may have been given any head that was published.
    if (had === undefined) return cosigned?.size === published?.size ? cosigned : published;
    // Also one of the size that is there, as it was before it was cosigned.
    if (cosigned && cosigned.size >= had && cosigned.checkpoint !== copied) return cosigned;
    return published && published.size > had ? published : undefined;
  };
  const copy = async (head: SignedHead, signal: AbortSignal): Promise<void> => {
    // The signal is that of the cadence, which is one and the same until the end.
    if (!replica || ended !== signal) {
      const target = gate.guard(await openTarget(signal), signal);
      replica = await openReplica({
        readFile: (path) => files.files.read(path),
        target,
        folder: origin,
        log: files.verifier,
      });
      ended = signal;
    }
    await replica.replicate(head.checkpoint, signal);
    copied = head.checkpoint;
  };

  return {
    status() {
      const ageMs = acknowledgedMs === undefined ? null : Math.max(0, clock.nowMs() - acknowledgedMs);
      return { acknowledged, holdsHead, size: acknowledgedSize, ageMs };
    },
    async check(signal) {
      const own = log.published();
      if (!own) return;
      let newest: Awaited<ReturnType<typeof newestReplicatedHead>>;
      try {
        const target = gate.guard(await openTarget(signal), signal);
        await refuseSuccessor(target, log);
        newest = await newestReplicatedHead(target, origin, files.verifier, own.size);
      } catch (error) {
        if (error instanceof LogError) throw error;
        outages.failed(origin, error);
        return;
      }
      holdsHead = newest !== undefined;
      if (newest) {
        await checkAgainstAnchor({ own: { origin, ...own }, readHashes: files.hashes(own.size), anchor: newest });
      }
    },
    async round(signal) {
      const head = wanted();
      if (!head) return true;
      try {
        await copy(head, signal);
      } catch (error) {
        replica = undefined;
        copied = undefined;
        if (signal.aborted) return false;
        acknowledged = false;
        outages.failed(origin, error);
        return false;
      }
      acknowledged = true;
      holdsHead = true;
      acknowledgedMs = clock.nowMs();
      acknowledgedSize = head.size;
      outages.worked(origin);
      return true;
    },
  };
}

/** Throws where the replica has a log that came after this one: that says that this one was rolled back, whoever signed it. */
async function refuseSuccessor(target: ReplicaTarget, { origin, place }: AnchoredLog): Promise<void> {
  const owner = origin.slice(0, -placePath(place).length);
  const { incarnation, shard } = place;
  for (const next of [
    { incarnation, shard: shard + 1 },
    { incarnation: incarnation + 1, shard: 1 },
  ]) {
    const successor = `${owner}${placePath(next)}`;
    if ((await target.list(`${successor}/anchored`)).length === 0) continue;
    throw new LogError('behind_anchor', `the replica has a log after ${origin}: ${successor}`);
  }
}
