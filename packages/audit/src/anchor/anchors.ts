import type { Clock } from '@tallystick/core';
import { formatNote, parseNote } from '../tlog/signed-note.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import type { TlogPolicy } from '../tlog/tlog-policy.ts';
import { formatHead } from '../verify/heads.ts';
import { trustHead, type TrustedHead } from '../verify/trust.ts';
import { AnchorError } from './anchor-error.ts';
import { anchorState, newestOf, type AnchorState } from './anchor-state.ts';
import type { HeadsFile } from './heads-file.ts';
import { newestHeads } from './newest-heads.ts';
import type { Cosignature } from './witness-answer.ts';

/** The inputs of {@link openAnchors}. */
export interface AnchorsOptions {
  /** The file `heads` of one log. */
  readonly file: HeadsFile;
  readonly origin: string;
  readonly policy: TlogPolicy;
  readonly clock: Clock;
}

/** A head that was anchored, and its bytes. */
export interface AnchoredHead extends TrustedHead {
  /** The checkpoint with the signatures of its log and of the witnesses, byte for byte. */
  readonly checkpoint: Uint8Array;
}

/** The anchored heads of one log. */
export interface Anchors {
  /** Bytes of a head at the end of the file that was cut off by a crash, and is gone. */
  readonly tornBytes: number;
  /** How many of the heads that were read nobody whom the policy trusts has signed. They are left as they are. */
  readonly refused: number;
  /** The newest head that has the quorum of the policy. */
  readonly newest: AnchoredHead | undefined;
  /** What is known of the log outside: that head, and for each witness the newest that it has cosigned. */
  readonly known: readonly AnchoredHead[];
  /** Returns the size at which a witness of the policy cosigned last, as far as is known; 0 where nothing is. */
  sizeAt(witness: string): number;
  /**
   * Appends a head with the cosignatures of one round, and resolves when it is durable. One call at a time.
   *
   * @param checkpoint As its log has signed it.
   * @throws {AnchorError} `heads_unusable`, as a rejection, and from then on
   */
  keep(checkpoint: Uint8Array, cosignatures: readonly Cosignature[]): Promise<AnchoredHead>;
  state(): AnchorState;
  close(): Promise<void>;
}

/**
 * So much of the end of the file is read: some hundred heads. An anchor before them is not remembered over a restart;
 * a verifier reads the whole file.
 */
const TAIL_BYTES = 256 * 1024;

/**
 * Opens the anchored heads of a log. Its file `heads` is a sequence of signed checkpoints, each with the log's signature
 * and the cosignatures of one round and followed by an empty line: who cosigned, when and at which size is in the
 * cosignatures themselves (tlog-cosignature, Format), and holds for whoever trusts their keys.
 *
 * @throws {AnchorError} `heads_unusable`
 */
export async function openAnchors({ file, origin, policy, clock }: AnchorsOptions): Promise<Anchors> {
  const { heads: bytes, tornBytes } = await readTail(file);
  const found = bytes.map((each) => trustOf(each, policy)).filter((head) => head?.origin === origin) as AnchoredHead[];
  let heads = newestOfEach(found, policy);
  let failure: AnchorError | undefined;
  return {
    tornBytes,
    refused: bytes.length - found.length,
    get newest() {
      return newestAnchored(heads);
    },
    get known() {
      return heads;
    },
    sizeAt: (witness) => newestOf(heads.filter((head) => isCosignedBy(head, witness)))?.size ?? 0,
    async keep(published, cosignatures) {
      if (failure) throw failure;
      const { text, signatures } = parseNote(published);
      const added = cosignatures.map(({ signature }) => signature);
      const checkpoint = formatNote({ text, signatures: [...signatures, ...added] });
      const head = { ...trustHead(checkpoint, policy), checkpoint };
      if (head.origin !== origin) throw new TlogError('origin', 'the head is not of the log whose anchors these are');
      try {
        await file.append(formatHead(checkpoint));
      } catch (cause) {
        failure = new AnchorError('heads_unusable', 'the anchored head could not be kept', cause);
        throw failure;
      }
      heads = newestOfEach([...heads, head], policy);
      return head;
    },
    state: () => anchorState({ heads, policy, nowMs: clock.nowMs() }),
    close: () => file.close(),
  };
}

/** Returns the heads that anything is asked about; the others are in the file alone. */
function newestOfEach(heads: readonly AnchoredHead[], { witnesses }: TlogPolicy): AnchoredHead[] {
  const newest = witnesses.map(({ name }) => newestOf(heads.filter((head) => isCosignedBy(head, name))));
  return [...new Set([newestAnchored(heads), ...newest])].filter((head) => head !== undefined);
}

function newestAnchored(heads: readonly AnchoredHead[]): AnchoredHead | undefined {
  return newestOf(heads.filter(({ witnessedMs }) => witnessedMs !== undefined));
}

function isCosignedBy({ cosignatures }: TrustedHead, name: string): boolean {
  return cosignatures.some(({ witness }) => witness === name);
}

async function readTail(file: HeadsFile): Promise<ReturnType<typeof newestHeads>> {
  try {
    const size = await file.size();
    const from = Math.max(0, size - TAIL_BYTES);
    const tail = newestHeads(await file.read(from), from === 0);
    // What is appended next has to begin where a head begins.
    if (tail.tornBytes > 0) await file.cut(size - tail.tornBytes);
    return tail;
  } catch (cause) {
    throw new AnchorError('heads_unusable', 'the anchored heads of the log cannot be read', cause);
  }
}

function trustOf(checkpoint: Uint8Array, policy: TlogPolicy): AnchoredHead | undefined {
  try {
    return { ...trustHead(checkpoint, policy), checkpoint };
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}
