import { join } from 'node:path';
import {
  createNodeLogFiles,
  encodeRecord,
  JournalError,
  logVerifier,
  openLog,
  openLogReader,
  openNextIncarnation,
  parseVkey,
  placePath,
  type MakeRecord,
} from '@tallystick/audit';
import { ulid, type TallystickError } from '@tallystick/core';
import { NOT_ANCHORED } from '../anchor/anchoring-status.ts';
import { openFingerprintKey } from '../state/fingerprint-key.ts';
import { openLogKey } from '../state/log-key.ts';
import { recordAt, recordBoot } from './boot-records.ts';
import { createFingerprint } from './fingerprint/fingerprint.ts';
import { fingerprintsMember, genesis } from './genesis.ts';
import { asSetBack } from './heads/log-set-back.ts';
import { openHeads } from './heads/open-heads.ts';
import { readShownHead } from './heads/shown-head.ts';
import { startHeartbeat } from './heartbeat.ts';
import { durabilityIn, lockLogs, newestIncarnation, originBefore, placeOf } from './log-folder.ts';
import type { OpenedRecorder, OpenRecorderOptions } from './opened-recorder.ts';
import type { Recorder, RecordInput } from './record.ts';
import { createRecorder, recordOf } from './recorder.ts';
import type { ShardAnchoring } from './shards/shard-anchoring.ts';
import { createShardLog, type ShardLog } from './shards/shard-log.ts';
import { periodAt } from './shards/shard-period.ts';
import { closingInputs, decodeCarried, encodeCarried, openingInputs } from './shards/shard-records.ts';
import { shardRecords } from './shards/shard-size.ts';
import { ShardState } from './shards/shard-state.ts';

/**
 * Opens the record: locked, recovered, and its start written into it. A log that cannot go on is refused, with the next
 * step; a new incarnation begins only where an operator says so.
 *
 * @throws {TallystickError} `state_unusable`, `state_newer`, `record_unavailable`
 */
export async function openRecorder(options: OpenRecorderOptions): Promise<OpenedRecorder> {
  const { folder, keys, trustDomain, sidecarId, clock, disk, random, newIncarnation } = options;
  const boot = ulid(clock, random);
  const known = placeOf(options.known, options);
  const newest = Math.max(await newestIncarnation(folder), known?.incarnation ?? 0);
  const incarnation = newIncarnation ? newest + 1 : Math.max(newest, 1);
  const mayMake = incarnation > newest;
  const [fingerprints, durability, shownHead] = await Promise.all([
    openFingerprintKey(keys, incarnation, { mayMake, random, seal: (key) => options.escrow?.seal(key) ?? null }),
    durabilityIn(folder),
    readShownHead(keys),
  ]);
  let told = false;
  const onFailure = (error: TallystickError): void => {
    if (!told) options.onFailure(error);
    told = true;
  };
  const making = (origin: string, inputs: readonly RecordInput[]): MakeRecord[] =>
    inputs.map((input) => (seq) => {
      const frame = { origin, boot, id: ulid(clock, random), seq, clock: null, nowMs: clock.nowMs() };
      return encodeRecord(recordOf(input, frame));
    });
  const first = await (newIncarnation ? openNextIncarnation : openLog)({
    folder,
    trustDomain,
    sidecarId,
    openKey: (place, may) => openLogKey(keys, place, may),
    clock: disk.clock,
    timers: disk.timers,
    lock: lockLogs,
    openFiles: createNodeLogFiles,
    openJournal: options.openJournal,
    opening: (beginning) =>
      making(
        beginning.origin,
        beginning.carried
          ? openingInputs(beginning, decodeCarried(beginning.carried), fingerprintsMember(fingerprints))
          : [genesis(beginning, { ...options, fingerprints, durability })],
      ),
    closing: (carried, next) => making(originBefore(next), closingInputs(decodeCarried(carried), next)),
    ...(options.localMax !== undefined && { localMax: options.localMax }),
    ...(known && { known }),
    ...(shownHead && { anchor: shownHead }),
    onFailure,
  }).catch((error: unknown) => {
    throw shownHead ? asSetBack(error) : error;
  });
  const state = new ShardState();
  let log: ShardLog;
  let recorder: Recorder;
  let anchoring: ShardAnchoring | undefined;
  try {
    anchoring = await options.anchor?.(first);
    log = createShardLog({
      first,
      begunMs: Date.parse((await recordAt(first, 0)).time),
      periodAt: (ms) => periodAt(ms, options.fiscalYear),
      maxRecords: options.shardRecords ?? shardRecords(first.space.limit.maxBytes, options.isReplicated),
      clock,
      prepare: options.prepareJournal ?? (() => {}),
      openClosed: ({ place, vkey }) =>
        openLogReader(createNodeLogFiles(join(folder, placePath(place))), logVerifier(parseVkey(vkey))),
      onFailure,
    });
    recorder = createRecorder({ log, onRecord: (record) => state.note(record), boot, clock, random });
    await recordBoot(recorder, first, { version: options.version, durability, boot, nowMs: clock.nowMs() });
  } catch (error) {
    await anchoring?.stop();
    await first.close().catch(() => {});
    throw error;
  }
  const isReplicated = (): boolean => anchoring?.status().replica?.acknowledged === true;
  const heartbeat =
    options.heartbeat &&
    startHeartbeat({
      recorder,
      facts: () => ({
        anchor: anchoring?.newest() ?? null,
        durability: isReplicated() ? { ...durability, class: 'replicated' } : durability,
      }),
      timers: options.heartbeat,
    });
  let contradiction: TallystickError | undefined;
  return {
    ...recorder,
    get origin() {
      return recorder.origin;
    },
    get pending() {
      return recorder.pending;
    },
    get place() {
      return log.place;
    },
    log,
    opened: { log: first, origin: first.origin, size: first.restoration.size },
    heads: openHeads({
      log,
      owner: { trustDomain, sidecarId },
      folder,
      keys,
      clock,
      onContradiction(error) {
        contradiction = error;
        heartbeat?.stop();
        onFailure(error);
      },
    }),
    fingerprint: createFingerprint(fingerprints.key),
    isEscrowed: !options.escrow || fingerprints.sealed?.escrow === options.escrow.key,
    isStuck: () => (log.failure instanceof JournalError && log.failure.fault === 'hung') || anchoring?.hangs === true,
    status: () => ({
      ...recorder.status(),
      ...(isReplicated() && { durability: 'replicated' }),
      anchoring: anchoring?.status() ?? NOT_ANCHORED,
    }),
    isWritable: () => contradiction === undefined && recorder.isWritable(),
    async append(input) {
      if (contradiction) throw contradiction;
      heartbeat?.postpone();
      return recorder.append(input);
    },
    countSpace: () => log.countSpace(),
    anchoredSize: () => anchoring?.anchoredSize() ?? 'not_asked',
    startCutting({ identities, isSuspended, leases, onCut }) {
      state.seed(identities, isSuspended);
      log.startCutting({
        cut({ cause, period }) {
          const listed = state.identities;
          const carried = encodeCarried({
            cause,
            period: { from: new Date(period.fromMs).toISOString(), to: new Date(period.toMs).toISOString() },
            zone: options.fiscalYear.zone,
            identities: listed,
            intents: state.intents,
            leases: leases(),
          });
          const identities = listed.map(({ object }) => object);
          return {
            carried,
            onCut(closed, opened) {
              anchoring?.goOn(opened);
              onCut(closed, opened, identities);
            },
          };
        },
      });
    },
    async close() {
      heartbeat?.stop();
      try {
        await recorder.close();
      } finally {
        await anchoring?.finish(LAST_ROUND_MS);
      }
    },
  };
}

/** How long the head of the end may take to become known outside. */
const LAST_ROUND_MS = 1500;
