import type { Checkpoint } from '../tlog/checkpoint.ts';
import { proveConsistency, readRoot, type HashReader } from '../tlog/prove.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import type { TlogPolicy } from '../tlog/tlog-policy.ts';
import { verifyConsistency } from '../tlog/verify-consistency.ts';
import type { CompletenessCode, Findings, IntegrityCode } from './finding.ts';
import { parseHeads } from './heads.ts';
import { trustHead, type TrustedHead } from './trust.ts';

/** An earlier head, and where it comes from: the log's own file, or somebody who kept it. */
interface EarlierHead {
  readonly bytes: Uint8Array;
  readonly at: { readonly file?: string; readonly head?: number };
  readonly name: string;
}

/** What earlier heads are judged against. */
export interface JudgeHeadsOptions {
  readonly checkpoint: Checkpoint;
  readonly policy: TlogPolicy;
  /** Reads from the tiles of the log, which are believed only as far as a proof from them holds. */
  readonly readHashes: HashReader;
  /** The content of `heads`; undefined where there is no such file. */
  readonly heads: Uint8Array | undefined;
  /** A signed checkpoint that somebody has kept outside the log. */
  readonly from: Uint8Array | undefined;
  readonly integrity: Findings<IntegrityCode>;
  readonly completeness: Findings<CompletenessCode>;
}

/** Heads of the log that hold, and are not larger than its newest. */
export interface JudgedHeads {
  readonly heads: readonly TrustedHead[];
  /** The one that was kept outside. */
  readonly from: TrustedHead | undefined;
}

/**
 * Returns the earlier heads that the log has grown from, and adds to the findings what speaks against the others. A log
 * that is smaller than a head it once signed has been rolled back.
 */
export async function judgeHeads(options: JudgeHeadsOptions): Promise<JudgedHeads> {
  const { integrity } = options;
  let stored: Uint8Array[] = [];
  try {
    stored = options.heads ? parseHeads(options.heads) : [];
  } catch (error) {
    integrity.push({ code: 'heads_malformed', file: 'heads', detail: refusal(error).description });
  }
  // A tile that was changed leads a proof astray: then it is the tile that is named, not the heads.
  const tilesHold = integrity.count === 0;
  const heads: TrustedHead[] = [];
  for (const [head, bytes] of stored.entries()) {
    const judged = await judgeHead({ bytes, at: { file: 'heads', head }, name: `head ${head}` }, options, tilesHold);
    if (judged) heads.push(judged);
  }
  const kept = options.from && { bytes: options.from, at: {}, name: 'the head that was kept outside the log' };
  return { heads, from: kept && (await judgeHead(kept, options, tilesHold)) };
}

async function judgeHead(
  { bytes, at, name }: EarlierHead,
  { checkpoint, policy, readHashes, integrity, completeness }: JudgeHeadsOptions,
  tilesHold: boolean,
): Promise<TrustedHead | undefined> {
  let head: TrustedHead;
  try {
    head = trustHead(bytes, policy);
    if (head.origin !== checkpoint.origin) throw new TlogError('origin', 'it is the head of another log');
  } catch (error) {
    const { fault, description } = refusal(error);
    integrity.push({ code: 'head_refused', ...at, fault, detail: `${name} is refused: ${description}` });
    return undefined;
  }
  if (head.size > checkpoint.size) {
    const detail = `${name} is of ${head.size} records, of which the log has the first ${checkpoint.size} at most`;
    completeness.push({ code: 'rolled_back', ...at, detail });
    return undefined;
  }
  try {
    await checkGrowth(head, checkpoint, readHashes);
    return head;
  } catch (error) {
    const { fault } = refusal(error);
    const detail = `${name}, of ${head.size} records, is not one from which the log has grown`;
    if (tilesHold) integrity.push({ code: 'head_inconsistent', ...at, fault, detail });
    return undefined;
  }
}

/** Throws {@link TlogError} unless a tree has grown from an earlier one. */
export async function checkGrowth(earlier: Checkpoint, later: Checkpoint, readHashes: HashReader): Promise<void> {
  if (earlier.size === 0) {
    const empty = await readRoot(0, readHashes);
    if (Buffer.compare(empty, earlier.root) !== 0) throw new TlogError('consistency', 'an empty log has another root');
    return;
  }
  const proof = await proveConsistency(earlier.size, later.size, readHashes);
  verifyConsistency({ size1: earlier.size, size2: later.size, root1: earlier.root, root2: later.root, proof });
}

/** Returns the error as what it is; any other is not about the log, and passes. */
function refusal(error: unknown): TlogError {
  if (error instanceof TlogError) return error;
  throw error;
}
