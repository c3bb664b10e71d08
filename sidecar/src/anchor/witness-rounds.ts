import {
  AnchorError,
  anchorRound,
  checkAgainstAnchor,
  openAnchors,
  openHeadsFile,
  witnessesOf,
  type Anchors,
  type SignedHead,
  type TlogPolicy,
} from '@tallystick/audit';
import type { Clock, Timers } from '@tallystick/core';
import type { AnchoredLog, PublishedFiles } from './anchored-log.ts';
import type { Outages } from './outages.ts';

/** The rounds in which the witnesses of a policy are asked to cosign the heads of one log. */
export interface WitnessRounds extends Pick<Anchors, 'newest' | 'state' | 'close'> {
  /**
   * Holds the log to what the witnesses have cosigned: as far as is kept beside it, and as they say now.
   *
   * @throws {TallystickError} `state_unusable` or `anchor_refused`, as a rejection: the log is behind that, or forked.
   */
  check(): Promise<void>;
  /** Has the published head cosigned; returns whether the quorum of the policy is reached. Does not reject. */
  round(signal: AbortSignal): Promise<boolean>;
}

/** The inputs of {@link openWitnessRounds}. */
export interface WitnessRoundsOptions {
  readonly log: AnchoredLog;
  readonly files: PublishedFiles;
  readonly policy: TlogPolicy;
  readonly outages: Outages;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** How long one answer may take. A witness is asked up to three times in a round. */
const ANSWER_MS = 5000;
/** The same while the sidecar starts, which nobody who is away may hold up. */
const STARTING_ANSWER_MS = 800;

/** Opens the rounds of a log. @throws {AnchorError} `heads_unusable`, as a rejection. */
export async function openWitnessRounds(options: WitnessRoundsOptions): Promise<WitnessRounds> {
  const { log, files, policy, outages, clock, timers } = options;
  const { origin } = log;
  const witnesses = witnessesOf(policy);
  const file = await openHeadsFile(files.headsPath);
  // Of logs a policy names those that others verify. This one knows its own key.
  const own: TlogPolicy = { ...policy, logs: [files.policyLog] };
  const anchors = await openAnchors({ file, origin, policy: own, clock });

  const ask = async (head: SignedHead, timeoutMs: number, signal?: AbortSignal): Promise<readonly unknown[]> => {
    const { failures } = await anchorRound({
      checkpoint: head.checkpoint,
      readHashes: files.hashes(head.size),
      witnesses,
      anchors,
      fetch: globalThis.fetch,
      clock,
      timers,
      timeoutMs,
      ...(signal && { signal }),
    });
    for (const { name } of witnesses) {
      const failure = failures.find(({ witness }) => witness === name);
      if (failure) outages.failed(name, failure.error);
      else outages.worked(name);
    }
    return failures.map(({ error }) => error);
  };

  return {
    get newest() {
      return anchors.newest;
    },
    state: () => anchors.state(),
    close: () => anchors.close(),
    async check() {
      const head = log.published();
      if (!head) return;
      const readHashes = files.hashes(head.size);
      for (const anchor of anchors.known) await checkAgainstAnchor({ own: { origin, ...head }, readHashes, anchor });
      const contradiction = (await ask(head, STARTING_ANSWER_MS)).find(contradicts);
      if (contradiction) throw contradiction;
    },
    async round(signal) {
      const head = log.published();
      if (!head || head.size === anchors.newest?.size) return true;
      try {
        await ask(head, ANSWER_MS, signal);
      } catch (error) {
        if (!signal.aborted) for (const { name } of witnesses) outages.failed(name, error);
        return false;
      }
      return anchors.newest?.size === head.size;
    },
  };
}

/** True where a witness has seen what this log is not. That it is away says nothing. */
function contradicts(error: unknown): error is AnchorError {
  return error instanceof AnchorError && (error.fault === 'witness_ahead' || error.fault === 'witness_disagrees');
}
