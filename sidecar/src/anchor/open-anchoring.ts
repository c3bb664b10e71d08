import { TallystickError, type Clock, type Random, type Timers } from '@tallystick/core';
import { readAnchorPolicy } from '../config/anchor-policy.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../observe/log.ts';
import type { AnchoredLog } from './anchored-log.ts';
import type { Anchoring, AnchoredHeadMember } from './anchoring.ts';
import { anchoringStatus } from './anchoring-status.ts';
import { startCadence } from './cadence.ts';
import { createCallGate } from './call-gate.ts';
import { closedLogs } from './closed-logs.ts';
import { openLogAnchors, openReplicaRounds, type LogAnchors, type LogAnchorsOptions } from './log-anchors.ts';
import { createOutages } from './outages.ts';
import type { ReplicaRounds } from './replica-rounds.ts';

/** The inputs of {@link openAnchoring}. */
export interface AnchoringOptions {
  readonly log: AnchoredLog;
  /** The folder of all logs. */
  readonly folder: string;
  readonly config: Config['audit'];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Log;
  /** Told of each log that takes no more records when the replica has acknowledged all of it. */
  readonly replicated: (closed: AnchoredHeadMember) => void;
  /** Told of the published head at the pace of anchors. */
  readonly published: (head: AnchoredHeadMember) => void;
}

/** How long one call to a replica may take. */
const CALL_MS = 10_000;
/** How long all calls to it may take while the sidecar starts. */
const STARTING_MS = 3000;
/** The first round after a start has been made by it. */
const FIRST_ROUND_MS = 1000;

/**
 * Begins to make a log known outside of its machine, as far as that is configured. When it resolves, the log has been
 * held to what is known there, as far as that answered in a short time; what follows goes on behind all else.
 *
 * @throws {TallystickError} as a rejection: the log is behind what is known outside, or forked.
 */
export async function openAnchoring(options: AnchoringOptions): Promise<Anchoring> {
  const { log, config, clock, timers, random, logger } = options;
  await log.publish();
  const gate = createCallGate(timers, CALL_MS);
  const parts: LogAnchorsOptions = {
    folder: options.folder,
    policy: config.anchors.policy === undefined ? undefined : await policyOf(config.anchors.policy),
    place: config.replica,
    gate,
    outages: { witness: createOutages('witness', logger), replica: createOutages('replica', logger) },
    clock,
    timers,
  };
  const anchors = await openLogAnchors(log, parts);
  try {
    await check(anchors, timers);
  } catch (error) {
    await anchors.witnesses?.close();
    throw error;
  }
  /** Logs that take no more records, and are not whole in the replica yet. */
  const closed = new Map<ReplicaRounds, AnchoredLog>();
  for (const before of config.replica ? await closedLogs(options.folder, log) : []) {
    closed.set((await openReplicaRounds(before, parts))!, before);
  }

  let told: number | undefined;
  const tell = (): void => {
    const head = headOf(log, log.published());
    if (!head || told === head.size) return;
    told = head.size;
    options.published(head);
  };
  const cosign = async (signal: AbortSignal): Promise<boolean> => {
    tell();
    const reached = (await anchors.witnesses?.round(signal)) ?? true;
    copying?.soon();
    return reached;
  };
  const copy = async (signal: AbortSignal): Promise<boolean> => {
    for (const [rounds, before] of closed) {
      if (!(await rounds.round(signal))) continue;
      closed.delete(rounds);
      const head = headOf(before, before.published());
      if (head) options.replicated(head);
    }
    return (await anchors.replica?.round(signal)) ?? true;
  };
  const pace = { intervalMs: config.anchors.intervalMs, timers, random };
  const copying = config.replica && startCadence({ ...pace, act: copy, firstMs: 0 });
  const firstMs = Math.min(pace.intervalMs, FIRST_ROUND_MS);
  const cosigning = startCadence({ ...pace, act: cosign, firstMs });
  return {
    status: () => anchoringStatus(anchors.witnesses?.state(), parts.outages.witness.failing, anchors.replica?.status()),
    newest: () => headOf(log, anchors.witnesses?.newest),
    get hangs() {
      return gate.hangs;
    },
    async finish(deadlineMs) {
      const untilMs = clock.monotonicMs() + deadlineMs;
      await cosigning.finish(deadlineMs);
      // Also what was cosigned last.
      await copying?.finish(untilMs - clock.monotonicMs());
      await anchors.witnesses?.close();
    },
    async stop() {
      await Promise.all([cosigning.stop(), copying?.stop()]);
      await anchors.witnesses?.close();
    },
  };
}

/** Holds a log to what is known of it outside. @throws {TallystickError} */
async function check({ replica, witnesses }: LogAnchors, timers: Timers): Promise<void> {
  const late = new AbortController();
  const timer = timers.after(STARTING_MS, () => late.abort(new Error(`no answer within ${STARTING_MS} ms`)));
  const checks = await Promise.allSettled([replica?.check(late.signal), witnesses?.check()]);
  timer.cancel();
  const refused = checks.find(({ status }) => status === 'rejected');
  if (refused) throw (refused as PromiseRejectedResult).reason;
}

function headOf({ origin }: AnchoredLog, head: ReturnType<AnchoredLog['published']>): AnchoredHeadMember | undefined {
  return head && { origin, size: head.size, root: Buffer.from(head.root).toString('base64') };
}

async function policyOf(path: string) {
  const file = await readAnchorPolicy(path);
  if (file.ok) return file.policy;
  throw new TallystickError('config_invalid', `"audit.anchors.policy" ${file.message}`, { remedy: file.remedy });
}
