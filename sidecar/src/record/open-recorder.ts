import type { KeyObject } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  createNodeLogFiles,
  durabilityOf,
  encodeRecord,
  formatVkey,
  JournalError,
  KEY_TYPE,
  openLog,
  openNextIncarnation,
  parseRecord,
  publicNoteKey,
  type Lineage,
  type Log,
  type LogReader,
  type OpenJournal,
  type RecordBodies,
  type TakeLock,
} from '@tallystick/audit';
import { ulid, type Clock, type Random, type TallystickError, type Timers } from '@tallystick/core';
import { tryLock } from '../listen/lock.ts';
import { openFingerprintKey, type FingerprintKey } from '../state/fingerprint-key.ts';
import type { AnchoredLog } from '../anchor/anchored-log.ts';
import type { Anchoring } from '../anchor/anchoring.ts';
import { NOT_ANCHORED } from '../anchor/anchoring-status.ts';
import { openLogKey } from '../state/log-key.ts';
import type { Escrow } from './fingerprint-escrow.ts';
import { createFingerprint, fingerprintKeyId, type Fingerprint } from './fingerprint.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { Operator, Recorder, RecordInput } from './record.ts';
import { createRecorder, recordOf } from './recorder.ts';

/** The inputs of {@link openRecorder}. */
export interface OpenRecorderOptions {
  /** Folder of the logs, which exists. */
  readonly folder: string;
  /** Folder of the keys, which exists. */
  readonly keys: string;
  readonly trustDomain: string;
  /** ULID of this sidecar. */
  readonly sidecarId: string;
  readonly version: string;
  /** Gives records their time. */
  readonly clock: Clock;
  /** What the disk is measured by, and published at: its own, where the time of records is a test's. */
  readonly disk: { readonly clock: Clock; readonly timers: Timers };
  /** Beats the heart of an idle log; undefined: it has none. */
  readonly heartbeat: Timers | undefined;
  readonly random: Random;
  readonly openJournal: OpenJournal;
  /** How many bytes the logs may take; undefined: as the file system has it. */
  readonly localMax: number | undefined;
  /** What the fingerprint key of a new incarnation is sealed to; undefined: to nothing. */
  readonly escrow: Escrow | undefined;
  /** Who begins a new incarnation, and why; undefined: the newest log goes on. */
  readonly newIncarnation: Operator | undefined;
  /** Holds the log to what is known of it outside, and makes it known there; undefined: nobody does. */
  readonly anchor: ((log: AnchoredLog) => Promise<Anchoring>) | undefined;
  /** Told once when records can no longer be written. */
  readonly onFailure: (error: TallystickError) => void;
}

/** A recorder, and what its log holds. */
export interface OpenedRecorder extends Recorder {
  readonly log: Pick<LogReader, 'readRecords'>;
  /** Names a secret by the key of this incarnation. */
  readonly fingerprint: Fingerprint;
  /** True when the fingerprint key is sealed to the escrow key that is configured, or none is. */
  readonly isEscrowed: boolean;
  /** True when nothing was in the log before this run. */
  readonly isNew: boolean;
  /** True when a call to the disk or to the replica hangs: the process can be ended by a signal alone. */
  isStuck(): boolean;
}

/**
 * Opens the record: locked, recovered, and its start written into it. A log that cannot go on is refused, with the next
 * step; a new incarnation begins only where an operator says so.
 *
 * @throws {TallystickError} `state_unusable`, `state_newer`, `record_unavailable`
 */
export async function openRecorder(options: OpenRecorderOptions): Promise<OpenedRecorder> {
  const { folder, keys, trustDomain, sidecarId, clock, disk, random, newIncarnation } = options;
  const boot = ulid(clock, random);
  const newest = await newestIncarnation(folder);
  const incarnation = newIncarnation ? newest + 1 : Math.max(newest, 1);
  const mayMake = incarnation > newest;
  const privateKey = await openLogKey(keys, incarnation, { mayMake });
  const fingerprints = await openFingerprintKey(keys, incarnation, {
    mayMake,
    random,
    seal: (key) => options.escrow?.seal(key) ?? null,
  });
  const durability = await durabilityIn(folder);
  const log = await (newIncarnation ? openNextIncarnation : openLog)({
    folder,
    trustDomain,
    sidecarId,
    privateKey,
    clock: disk.clock,
    timers: disk.timers,
    lock,
    openFiles: createNodeLogFiles,
    openJournal: options.openJournal,
    firstRecord: (lineage) => {
      const frame = {
        origin: lineage.origin,
        boot,
        id: ulid(clock, random),
        seq: 0,
        clock: null,
        nowMs: clock.nowMs(),
      };
      return encodeRecord(recordOf(genesis(lineage, { ...options, privateKey, fingerprints, durability }), frame));
    },
    ...(options.localMax !== undefined && { localMax: options.localMax }),
    onFailure: options.onFailure,
  });
  const recorder = createRecorder({ log, boot, clock, random });
  let anchoring: Anchoring | undefined;
  try {
    anchoring = await options.anchor?.(log);
    await recordBoot(recorder, log, { version: options.version, durability, boot, nowMs: clock.nowMs() });
  } catch (error) {
    await anchoring?.stop();
    await recorder.close().catch(() => {});
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
  return {
    ...recorder,
    get pending() {
      return recorder.pending;
    },
    log,
    fingerprint: createFingerprint(fingerprints.key),
    isEscrowed: !options.escrow || fingerprints.sealed?.escrow === options.escrow.key,
    isNew: log.restoration.size === 0,
    isStuck: () => (log.failure instanceof JournalError && log.failure.fault === 'hung') || anchoring?.hangs === true,
    status: () => ({
      ...recorder.status(),
      ...(isReplicated() && { durability: 'replicated' }),
      anchoring: anchoring?.status() ?? NOT_ANCHORED,
    }),
    async append(input) {
      heartbeat?.postpone();
      return recorder.append(input);
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

type DurabilityFacts = RecordBodies['log.boot']['durability'];

// Not "lock": where a file system does not tell cases apart that is the LOCK of the state folder.
const lock: TakeLock = async (path) => {
  const held = tryLock(join(dirname(path), 'log.lock'));
  return held && { release: async () => held.release() };
};

async function newestIncarnation(folder: string): Promise<number> {
  const names = await readdir(folder);
  return Math.max(0, ...names.filter((name) => /^[1-9]\d{0,8}$/.test(name)).map(Number));
}

async function durabilityIn(folder: string): Promise<DurabilityFacts> {
  const facts = await createNodeLogFiles(folder).statfs();
  return { class: durabilityOf(facts), fileSystem: `0x${facts.type.toString(16)}` };
}

interface GenesisFacts extends Pick<OpenRecorderOptions, 'version' | 'newIncarnation'> {
  readonly privateKey: KeyObject;
  readonly fingerprints: FingerprintKey;
  readonly durability: DurabilityFacts;
}

/** Envelope of what the log tells of itself. */
const OF_THE_LOG = {
  actor: 'sidecar',
  owner: null,
  process: null,
  registry: null,
  lease: null,
  outcome: 'success',
  reason: null,
  trace: null,
} as const;

function genesis(lineage: Lineage, facts: GenesisFacts): RecordInput<'log.genesis'> {
  const { origin, previous, relation } = lineage;
  const { newIncarnation: operator, privateKey, fingerprints, durability, version } = facts;
  return {
    ...OF_THE_LOG,
    type: 'log.genesis',
    actor: operator ? 'operator' : 'sidecar',
    reason: operator?.reason ?? null,
    body: {
      cause: relation === 'genesis' ? 'new' : 'repaired',
      durability,
      fingerprints: {
        escrow: fingerprints.sealed?.escrow ?? null,
        id: fingerprintKeyId(fingerprints.key),
        sealed: fingerprints.sealed?.sealed ?? null,
      },
      fiscalYearStart: null,
      operator: operator ?? null,
      previous: previous
        ? {
            checkpoint: Buffer.from(previous.checkpoint).toString(),
            origin: previous.origin,
            root: Buffer.from(previous.root).toString('base64'),
            size: previous.size,
          }
        : null,
      version,
      vkey: formatVkey(publicNoteKey({ name: origin, privateKey }, KEY_TYPE.ed25519)),
      zone: 'UTC',
    },
  };
}

/** Sectors of a journal, in bytes. */
const SECTOR_BYTES = 512;

/** Records the start of this run, and what was found of the one before. */
async function recordBoot(
  recorder: Recorder,
  log: Log,
  facts: { version: string; durability: DurabilityFacts; boot: string; nowMs: number },
): Promise<void> {
  const { version, durability, nowMs } = facts;
  const last = await lastRecord(log);
  const beforeMs = last ? Date.parse(last.time) : nowMs;
  const records = [
    recorder.append({
      ...OF_THE_LOG,
      type: 'log.boot',
      // A clock that was set back while nobody looked is said to have been.
      clock: { offset_ms: Math.min(0, Math.round(nowMs - beforeMs)), source: 'last-record', synced: null },
      body: { durability, openIntents: 0, previousBoot: last && last.boot !== facts.boot ? last.boot : null, version },
    }),
  ];
  const { size, tornSectors } = log.restoration;
  if (tornSectors > 0) {
    records.push(
      recorder.append({
        ...OF_THE_LOG,
        type: 'log.recovered',
        body: { droppedBytes: tornSectors * SECTOR_BYTES, segment: 'newest', size },
      }),
    );
  }
  await Promise.all(records);
}

async function lastRecord(log: Log): Promise<{ readonly time: string; readonly boot: string } | undefined> {
  const size = log.head()?.size ?? 0;
  for await (const bytes of log.readRecords(size - 1, size)) return parseRecord(bytes).record;
  return undefined;
}
