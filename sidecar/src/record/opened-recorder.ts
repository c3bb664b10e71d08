import type { Log, LogPlace, LogReader, OpenJournal } from '@tallystick/audit';
import type { Clock, IdentityObject, Random, TallystickError, Timers } from '@tallystick/core';
import type { AnchoredLog } from '../anchor/anchored-log.ts';
import type { Escrow } from './fingerprint/fingerprint-escrow.ts';
import type { Fingerprint } from './fingerprint/fingerprint.ts';
import type { LogHeads } from './heads/log-heads.ts';
import type { Operator, Recorder } from './record.ts';
import type { ShardAnchoring } from './shards/shard-anchoring.ts';
import type { AnchoredSize } from './shards/shard-keys.ts';
import type { FiscalYear } from './shards/shard-period.ts';
import type { EarlierRecords } from './usage/earlier-reports.ts';

/** What a recorder is opened with. */
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
  /** Told when a journal will be opened soon. Absent: it takes no time to open one. */
  readonly prepareJournal?: () => void;
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
  readonly log: Pick<LogReader, 'published' | 'readRecords'>;
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
