export { formatAddCheckpoint, parseAddCheckpoint, type AddCheckpoint } from './tlog/add-checkpoint.ts';
export {
  formatCheckpointBody,
  openCheckpoint,
  parseCheckpointBody,
  signCheckpoint,
  type Checkpoint,
  type Extensions,
} from './tlog/checkpoint.ts';
export { CompactRange } from './tlog/compact-range.ts';
export { cosignatureTime, cosignatureVerifier, cosigner } from './tlog/cosignature.ts';
export { decodeEntryBundle, encodeEntryBundle, MAX_ENTRY_BYTES } from './tlog/entry-bundle.ts';
export { judgeCheckpoint, type JudgedCheckpoint } from './tlog/judge-checkpoint.ts';
export { logSigner, logVerifier, publicNoteKey } from './tlog/log-signer.ts';
export {
  formatSignerKey,
  formatVkey,
  KEY_TYPE,
  noteKey,
  parseSignerKey,
  parseVkey,
  type KeyType,
  type NoteKey,
  type NotePrivateKey,
} from './tlog/note-key.ts';
export { parseTlogPolicy } from './tlog/parse-tlog-policy.ts';
export { proveConsistency, proveInclusion, readCompactRange, readRoot, type HashReader } from './tlog/prove.ts';
export {
  formatNote,
  formatSignatureLine,
  MAX_NOTE_SIGNATURES,
  parseNote,
  parseSignatureLine,
  signatureOf,
  signNote,
  verifiedSignatures,
  verifyNote,
  type Note,
  type NoteSignature,
  type NoteSigner,
  type NoteVerifier,
  type VerifiedSignature,
} from './tlog/signed-note.ts';
export { tilesOfGrowth, tileWidth } from './tlog/tile-growth.ts';
export { tileHash } from './tlog/tile-hashes.ts';
export { tileHashReader, type TileReader } from './tlog/tile-reader.ts';
export { formatTilePath, parseTilePath, TILE_WIDTH, type Tile } from './tlog/tile.ts';
export { TlogError, type TlogFault } from './tlog/tlog-error.ts';
export {
  isQuorum,
  NO_QUORUM,
  type PolicyGroup,
  type PolicyLog,
  type PolicyWitness,
  type TlogPolicy,
} from './tlog/tlog-policy.ts';
export { formatTlogProof, parseTlogProof, type TlogProof } from './tlog/tlog-proof.ts';
export { type TreeNode } from './tlog/tree-ranges.ts';
export { verifyConsistency, type ConsistencyClaim } from './tlog/verify-consistency.ts';
export { verifyInclusion, type InclusionClaim } from './tlog/verify-inclusion.ts';
export { verifyTlogProof } from './tlog/verify-tlog-proof.ts';
export {
  encodeBody,
  MAX_BATCH_RECORDS,
  MAX_BODY_BYTES,
  MAX_HEAD_BYTES,
  MAX_RECORD_BYTES,
  type Batch,
  type BatchBody,
} from './journal/batch.ts';
export { createInlineCommitter, type Committer } from './journal/committer.ts';
export { type Disk, type DiskFile } from './journal/disk.ts';
export {
  createGroupCommit,
  HANG_MS,
  type GroupCommit,
  type GroupCommitOptions,
  type UnsignedBatch,
} from './journal/group-commit.ts';
export { type Journal, type Position } from './journal/journal.ts';
export { JournalError, type DamagePlace, type JournalFault } from './journal/journal-error.ts';
export { createNodeDisk } from './journal/node-disk.ts';
export {
  spawnJournalThread,
  startJournalThread,
  type JournalThread,
  type JournalThreadOptions,
  type RecoverInThread,
  type SpawnOptions,
} from './journal/journal-thread.ts';
export { recoverJournal, type Recovery, type RecoveryFacts, type RecoveryOptions } from './journal/recovery.ts';
export { SEGMENT_SIZES, type SegmentSizes } from './journal/segment-file.ts';
export {
  type CompletenessCode,
  type CompletenessFinding,
  type Finding,
  type IntegrityCode,
  type IntegrityFinding,
} from './verify/finding.ts';
export { formatHead, parseHeads } from './verify/heads.ts';
export { type NewestAnchor } from './verify/judge-anchors.ts';
export { foldersIn, logFolder } from './verify/log-folder.ts';
export { type ReadLogFile } from './verify/read-log-file.ts';
export { type RecordFinding, type RecordJudge } from './verify/record-judge.ts';
export {
  VERIFY_EXIT,
  verifyExitCode,
  type LogReport,
  type Verdict,
  type Verdicts,
  type VerdictWord,
  type VerifyLevel,
} from './verify/report.ts';
export { policyOfVkeys } from './verify/trust.ts';
export { verifyLog, type VerifyLogOptions } from './verify/verify-log.ts';
export { verifyLogFolder, type LogFolderReport, type VerifyLogFolderOptions } from './verify/verify-log-folder.ts';
export { inWorkers, type WorkerRanges, type WorkerRangesOptions } from './verify/worker-ranges.ts';
export { encodeRecord, MAX_RECORD_LENGTH, parseRecord, type ParsedRecord } from './record/codec.ts';
export { SEMANTIC_RULES, type Place, type SemanticFinding, type SemanticRule } from './record/finding.ts';
export { inventoryAt, type Inventory, type InventoryItem, type Says } from './record/inventory.ts';
export { type OpenIntent } from './record/judge-intents.ts';
export {
  createSemanticJudge,
  type SemanticJudge,
  type SemanticJudgeOptions,
  type SemanticVerdict,
} from './record/judge-records.ts';
export { createRecordJudge, type SemanticRecordJudge } from './record/record-judge.ts';
export { knownRecordOf, readLeaf, recordOf, type Leaf } from './record/leaf.ts';
export { formatOrigin, parseOrigin, type Head, type Origin } from './record/origin.ts';
export { compileQuery, EXCLUSIONS, type Exclusion, type RecordQuery } from './record/query.ts';
export { subjectOf, type Subject } from './record/subject.ts';
export { RecordError, type RecordFault } from './record/record-error.ts';
export {
  BODY_VERSION,
  bodyFault,
  isRecordType,
  type AuditRecord,
  type Envelope,
  type ForeignRecord,
  type RecordBodies,
  type RecordType,
} from './record/record.ts';
export { holdsSecret } from './record/secret-look.ts';
export { createExporter, EXPORT_FORMATS, type Exporter, type ExporterOptions } from './export/exporter.ts';
export { type ExportFormat, type LinePlace } from './export/export-format.ts';
export { parseManifest, type ExportedLog, type ExportManifest } from './export/manifest.ts';
export { neutralText } from './export/neutral-text.ts';
export { OCSF_VERSION, ocsfEvent } from './export/ocsf.ts';
export { otlpLogEvent, type OtlpLogEvent } from './export/otlp-log-event.ts';
export { verifyExport, type ExportDifference } from './export/verify-export.ts';
export { type Anchor as LogAnchor } from './log/judge-anchor.ts';
export { inlineJournal, type OpenedJournal, type OpenJournal } from './log/journal-opener.ts';
export { type Lineage, type PreviousHead } from './log/lineage.ts';
export { LogError, type LogFault } from './log/log-error.ts';
export { type FileSystemFacts, type LogFiles } from './log/log-files.ts';
export { type LogLock, type TakeLock } from './log/log-lock.ts';
export { originOf, placePath, type LogOwner, type LogPlace } from './log/log-place.ts';
export { openLogReader, type LogReader } from './log/log-reader.ts';
export { type Appended, type LogWriter } from './log/log.ts';
export { createNodeLogFiles } from './log/node-log-files.ts';
export {
  openLog,
  openNextIncarnation,
  type Beginning,
  type Log,
  type MakeRecord,
  type OpenLogOptions,
} from './log/open-log.ts';
export { type SignedHead } from './log/published-head.ts';
export { type Restoration } from './log/restore-log.ts';
export { tileReaderOf } from './log/read-tiles.ts';
export { durabilityOf, type Durability, type Space, type SpaceLevel, type SpaceLimit } from './log/space.ts';
export { AnchorError, type AnchorFault } from './anchor/anchor-error.ts';
export { anchorRound, witnessesOf, type AnchorRound, type AnchorRoundOptions } from './anchor/anchor-round.ts';
export { type AnchorFacts, type AnchorState } from './anchor/anchor-state.ts';
export { openAnchors, type AnchoredHead, type Anchors, type AnchorsOptions } from './anchor/anchors.ts';
export { checkAgainstAnchor, type AnchorCheck } from './anchor/check-against-anchor.ts';
export { createFolderTarget } from './anchor/folder-target.ts';
export { openHeadsFile, type HeadsFile } from './anchor/heads-file.ts';
export { type TrustedLogs } from './anchor/open-add-checkpoint.ts';
export { type ReplicaTarget } from './anchor/replica-target.ts';
export { openReplica, type Replica, type ReplicaOptions, type Replicated } from './anchor/replica.ts';
export { newestReplicatedHead, type ReplicatedHead } from './anchor/replicated-head.ts';
export {
  submitCheckpoint,
  type KnownWitness,
  type SubmitCheckpointOptions,
  type WitnessCalls,
} from './anchor/submit-checkpoint.ts';
export { type Cosignature } from './anchor/witness-answer.ts';
export { openWitnessFolder, type WitnessFolder, type WitnessFolderOptions } from './anchor/witness-folder.ts';
export { witnessHandler, type WitnessHandlerOptions } from './anchor/witness-handler.ts';
export { type StateChange, type WitnessStore } from './anchor/witness-store.ts';
export { createWitness, type Witness, type WitnessAnswer, type WitnessOptions } from './anchor/witness.ts';
