import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  createNodeLogFiles,
  durabilityOf,
  encodeRecord,
  formatOrigin,
  JournalError,
  LogError,
  logVerifier,
  openLog,
  openLogReader,
  openNextIncarnation,
  parseOrigin,
  parseRecord,
  parseVkey,
  placePath,
  type Beginning,
  type Envelope,
  type Log,
  type LogPlace,
  type LogReader,
  type MakeRecord,
  type OpenJournal,
  type RecordBodies,
  type TakeLock,
} from '@tallystick/audit';
import { TallystickError, ulid, type Clock, type IdentityObject, type Random, type Timers } from '@tallystick/core';
import { tryLock } from '../listen/lock.ts';
import { openFingerprintKey, type FingerprintKey } from '../state/fingerprint-key.ts';
import type { AnchoredLog } from '../anchor/anchored-log.ts';
import { NOT_ANCHORED } from '../anchor/anchoring-status.ts';
import { openLogKey } from '../state/log-key.ts';
import type { Escrow } from './fingerprint-escrow.ts';
import { createFingerprint, fingerprintKeyId, type Fingerprint } from './fingerprint.ts';
import type { EarlierRecords } from './earlier-reports.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { LogHeads } from './log-heads.ts';
import { LogSetBack } from './log-set-back.ts';
import { openHeads } from './open-heads.ts';
import type { Operator, Recorder, RecordInput } from './record.ts';
import { createRecorder, recordOf } from './recorder.ts';
import type { ShardAnchoring } from './shard-anchoring.ts';
import type { AnchoredSize } from './shard-keys.ts';
import { createShardLog, type ShardLog } from './shard-log.ts';
import { periodAt, type FiscalYear } from './shard-period.ts';
import {
  closingInputs,
  decodeCarried,
  encodeCarried,
  headMember,
  OF_THE_LOG,
  openingInputs,
  type FingerprintsMember,
} from './shard-records.ts';
import { shardRecords } from './shard-size.ts';
import { ShardState } from './shard-state.ts';
import { readShownHead } from './shown-head.ts';

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
  /** Origin of the newest log of which the state knows; undefined of none. */
  readonly known: string | undefined;
  /** Who begins a new incarnation, and why; undefined: the newest log goes on. */
  readonly newIncarnation: Operator | undefined;
  /** Holds the log to what is known of it outside, and makes it known there; undefined: nobody does. */
  readonly anchor: ((log: AnchoredLog) => Promise<ShardAnchoring>) | undefined;
  /** By which years the log is cut into shards. */
  readonly fiscalYear: FiscalYear;
  /** Closed shards are deleted where space gets short: then they are smaller. */
  readonly isReplicated: boolean;
  /** So many records are in a shard at the most; absent: as {@link shardRecords} has it. Tests fill one sooner. */
  readonly shardRecords?: number;
  /** Told once when records can no longer be written. */
  readonly onFailure: (error: TallystickError) => void;
}

/** A recorder, and what its log holds. */
export interface OpenedRecorder extends Recorder {
  /** What this run has opened: the shard that it found or began, and all since. */
  readonly log: Pick<LogReader, 'readRecords'>;
  /** What its newest shard had when it was opened. */
  readonly opened: EarlierRecords;
  readonly heads: LogHeads;
  /** The shard that takes records now. */
  readonly place: LogPlace;
  /** How much of that shard is known outside of this machine. */
  anchoredSize(): AnchoredSize;
  /** Counts again how much space the logs use: something was deleted. */
  countSpace(): Promise<void>;
  /** From now on shards are cut, as the year of the books or their size ends. */
  startCutting(carries: Carries): void;
  /** Names a secret by the key of this incarnation. */
  readonly fingerprint: Fingerprint;
  /** True when the fingerprint key is sealed to the escrow key that is configured, or none is. */
  readonly isEscrowed: boolean;
  /** True when a call to the disk or to the replica hangs: the process can be ended by a signal alone. */
  isStuck(): boolean;
}

/** What is carried over to the next shard that the records of this run do not say. */
export interface Carries {
  /** Identities that the log tells of when this is given. */
  readonly identities: Iterable<IdentityObject>;
  readonly isSuspended: (id: string) => boolean;
  /** Ids of the leases that the sidecar holds. */
  readonly leases: () => readonly string[];
  /** Told when a new shard takes records, with the identities that it lists. Must not throw. */
  readonly onCut: (closed: Log, opened: Log, identities: readonly IdentityObject[]) => void;
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
  const known = knownPlace(options);
  const newest = Math.max(await newestIncarnation(folder), known?.incarnation ?? 0);
  const incarnation = newIncarnation ? newest + 1 : Math.max(newest, 1);
  const mayMake = incarnation > newest;
  const fingerprints = await openFingerprintKey(keys, incarnation, {
    mayMake,
    random,
    seal: (key) => options.escrow?.seal(key) ?? null,
  });
  const durability = await durabilityIn(folder);
  const shownHead = await readShownHead(keys);
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
    lock,
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

/** Returns what is said of a log that does not lead to the head that it was held against. */
function asSetBack(error: unknown): unknown {
  if (!(error instanceof LogError) || (error.fault !== 'behind_anchor' && error.fault !== 'forked')) return error;
  return new LogSetBack('state_unusable', error.fault, error.description, error);
}

type DurabilityFacts = RecordBodies['log.boot']['durability'];

// Not "lock": where a file system does not tell cases apart that is the LOCK of the state folder.
const lock: TakeLock = async (path) => {
  const held = tryLock(join(dirname(path), 'log.lock'));
  return held && { release: async () => held.release() };
};

function knownPlace({ known, trustDomain, sidecarId }: OpenRecorderOptions): LogPlace | undefined {
  const origin = known === undefined ? undefined : parseOrigin(known);
  // A sidecar of another name has logs of its own.
  return origin?.trustDomain === trustDomain && origin.sidecarId === sidecarId ? origin : undefined;
}

async function newestIncarnation(folder: string): Promise<number> {
  const names = await readdir(folder);
  return Math.max(0, ...names.filter((name) => /^[1-9]\d{0,8}$/.test(name)).map(Number));
}

async function durabilityIn(folder: string): Promise<DurabilityFacts> {
  const facts = await createNodeLogFiles(folder).statfs();
  return { class: durabilityOf(facts), fileSystem: `0x${facts.type.toString(16)}` };
}

function fingerprintsMember({ key, sealed }: FingerprintKey): FingerprintsMember {
  return { escrow: sealed?.escrow ?? null, id: fingerprintKeyId(key), sealed: sealed?.sealed ?? null };
}

interface GenesisFacts extends Pick<OpenRecorderOptions, 'version' | 'newIncarnation' | 'fiscalYear'> {
  readonly fingerprints: FingerprintKey;
  readonly durability: DurabilityFacts;
}

function genesis(beginning: Beginning, facts: GenesisFacts): RecordInput<'log.genesis'> {
  const { previous, relation, vkey } = beginning;
  const { newIncarnation: operator, fingerprints, durability, version, fiscalYear } = facts;
  return {
    ...OF_THE_LOG,
    type: 'log.genesis',
    actor: operator ? 'operator' : 'sidecar',
    reason: operator?.reason ?? null,
    body: {
      cause: relation === 'genesis' ? 'new' : 'repaired',
      durability,
      fingerprints: fingerprintsMember(fingerprints),
      fiscalYearStart: fiscalYear.start,
      operator: operator ?? null,
      previous: previous ? headMember(previous) : null,
      version,
      vkey,
      zone: fiscalYear.zone,
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
  const last = await recordAt(log, log.head()!.size - 1);
  if (last.type === 'log.shard_closed') {
    throw new TallystickError('state_unusable', `the shard ${log.origin} is closed, and nothing says what follows it`, {
      remedy: 'restore the file "cut" of that shard, or begin a new incarnation of the log',
    });
  }
  const records = [
    recorder.append({
      ...OF_THE_LOG,
      type: 'log.boot',
      // A clock that was set back while nobody looked is said to have been.
      clock: { offset_ms: Math.min(0, Math.round(nowMs - Date.parse(last.time))), source: 'last-record', synced: null },
      body: { durability, openIntents: 0, previousBoot: last.boot === facts.boot ? null : last.boot, version },
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

async function recordAt(log: Log, seq: number): Promise<Envelope & { readonly type: string }> {
  return parseRecord(await log.readRecord(seq)).record;
}

/** Returns the origin of the shard before another of its incarnation. */
function originBefore(origin: string): string {
  const { shard, ...rest } = parseOrigin(origin)!;
  return formatOrigin({ ...rest, shard: shard - 1 });
}
