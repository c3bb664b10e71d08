import { TallystickError, type Clock, type Random, type Timers } from '@tallystick/core';
import { readAnchorPolicy } from '../config/anchor-policy.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../observe/log.ts';
import { openPublishedFiles, type AnchoredLog } from './anchored-log.ts';
import type { Anchoring } from './anchoring.ts';
import { anchoringStatus } from './anchoring-status.ts';
import { startCadence } from './cadence.ts';
import { createCallGate } from './call-gate.ts';
import { openTarget } from './open-target.ts';
import { createOutages } from './outages.ts';
import { createReplicaRounds } from './replica-rounds.ts';
import { openWitnessRounds } from './witness-rounds.ts';

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
  /** Told of the published head at the pace of anchors. */
  readonly published: (head: { readonly origin: string; readonly size: number; readonly root: string }) => void;
}

/** How long one call to a replica may take. */
const CALL_MS = 10_000;
/** How long all calls to it may take while the sidecar starts. */
const STARTING_MS = 2000;

/**
 * Begins to make a log known outside of its machine, as far as that is configured. When it resolves, the log has been
 * held to what is known there, as far as that answered in a short time; what follows goes on behind all else.
 *
 * @throws {TallystickError} as a rejection: the log is behind what is known outside, or forked.
 */
export async function openAnchoring(options: AnchoringOptions): Promise<Anchoring> {
  const { log, config, clock, timers, random, logger } = options;
  await log.publish();
  const files = await openPublishedFiles(options.folder, log);
  const policy = config.anchors.policy === undefined ? undefined : await policyOf(config.anchors.policy);
  const outages = { witness: createOutages('witness', logger), replica: createOutages('replica', logger) };
  const gate = createCallGate(timers, CALL_MS);
  const witnesses =
    policy && (await openWitnessRounds({ log, files, policy, outages: outages.witness, clock, timers }));
  const { replica: place } = config;
  const replica =
    place &&
    createReplicaRounds({
      log,
      files,
      openTarget: () => openTarget(place),
      gate,
      anchored: () => witnesses?.newest,
      outages: outages.replica,
      clock,
    });
  try {
    const late = new AbortController();
    const timer = timers.after(STARTING_MS, () => late.abort(new Error(`no answer within ${STARTING_MS} ms`)));
    const checks = await Promise.allSettled([replica?.check(late.signal), witnesses?.check()]);
    timer.cancel();
    const refused = checks.find((check) => check.status === 'rejected');
    if (refused) throw refused.reason;
  } catch (error) {
    await witnesses?.close();
    throw error;
  }

  let told = -1;
  const tell = (): void => {
    const head = log.published();
    if (!head || head.size === told) return;
    told = head.size;
    options.published({ origin: log.origin, size: head.size, root: Buffer.from(head.root).toString('base64') });
  };
  const { intervalMs } = config.anchors;
  const copying =
    replica && startCadence({ act: (signal) => replica.round(signal), intervalMs, firstMs: 0, timers, random });
  const rounds = startCadence({
    async act(signal) {
      tell();
      const reached = (await witnesses?.round(signal)) ?? true;
      copying?.soon();
      return reached;
    },
    intervalMs,
    firstMs: Math.min(intervalMs, 1000),
    timers,
    random,
  });
  return {
    status: () => anchoringStatus(witnesses?.state(), outages.witness.failing, replica?.status()),
    newest() {
      const head = witnesses?.newest;
      return head && { origin: log.origin, size: head.size, root: Buffer.from(head.root).toString('base64') };
    },
    get hangs() {
      return gate.hangs;
    },
    async finish(deadlineMs) {
      await Promise.all([rounds.finish(deadlineMs), copying?.finish(deadlineMs)]);
      await witnesses?.close();
    },
    async stop() {
      await Promise.all([rounds.stop(), copying?.stop()]);
      await witnesses?.close();
    },
  };
}

async function policyOf(path: string) {
  const file = await readAnchorPolicy(path);
  if (file.ok) return file.policy;
  throw new TallystickError('config_invalid', `"audit.anchors.policy" ${file.message}`, { remedy: file.remedy });
}
