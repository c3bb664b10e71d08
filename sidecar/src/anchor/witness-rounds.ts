import {
  AnchorError,
  anchorRound,
  checkAgainstAnchor,
  LogError,
  openAnchors,
  openHeadsFile,
  witnessesOf,
  type AnchorFault,
  type Anchors,
  type LogFault,
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
   * @throws {LogError} `behind_anchor` or `forked`, as a rejection.
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
const STARTING_ANSWER_MS = 1500;

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
      for (const error of await ask(head, STARTING_ANSWER_MS)) {
        const fault = error instanceof AnchorError ? CONTRADICTIONS[error.fault] : undefined;
        if (fault) throw new LogError(fault, (error as AnchorError).description, error);
      }
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

/** What it means for the log that a witness has seen what it is not. That one is away says nothing. */
const CONTRADICTIONS: Partial<Record<AnchorFault, LogFault>> = {
  witness_ahead: 'behind_anchor',
  witness_disagrees: 'forked',
};
