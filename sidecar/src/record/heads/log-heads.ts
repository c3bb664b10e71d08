import {
  checkAgainstAnchor,
  LogError,
  openCheckpoint,
  parseOrigin,
  readRoot,
  tileHashReader,
  TlogError,
  type Checkpoint,
  type HashReader,
  type Log,
  type LogPlace,
  type NoteVerifier,
  type TileReader,
} from '@tallystick/audit';
import type { TallystickError } from '@tallystick/core';
import { readLogHead } from '@tallystick/protocol';
import { LogSetBack, type SetBackFault } from './log-set-back.ts';

/**
 * What a head that a workload shows again is. `known`: the log has grown from it. `older`: it is of a log that this one
 * follows. `unverifiable`: this log has not signed it. `unjudged`: too many are being judged, or it could not be.
 */
export type EchoVerdict = 'known' | 'older' | 'unverifiable' | 'unjudged';

/** The signed heads of the log: shown to workloads, and shown again by them. */
export interface LogHeads {
  /** The newest durable head, as the text of a signed note. It has every record that is durable now under it. */
  newest(): string | undefined;
  /**
   * Judges a head that a workload was once shown. One that this log has signed, and has not grown from, proves that it
   * was set back: nothing is recorded, and so nothing released, from then on. Whatever else it is, nothing follows.
   *
   * @throws {TallystickError} `record_unavailable`: it is such a proof.
   */
  judge(text: string): Promise<EchoVerdict>;
  /** True once there was such a proof. */
  readonly isContradicted: boolean;
}

/** The inputs of {@link createLogHeads}. */
export interface LogHeadsOptions {
  readonly log: Pick<Log, 'origin' | 'place' | 'head' | 'published' | 'publish'>;
  /** Returns a reader of the tiles of one of our logs. */
  readonly tilesOf: (place: LogPlace) => TileReader;
  /** Returns the key of one of our logs, also of a later one that is not here any more; undefined where we have none. */
  readonly verifierOf: (place: LogPlace) => Promise<NoteVerifier | undefined>;
  /** Told once, with the head, that the log contradicts it. Resolves when the next start will know of it. */
  readonly onContradiction: (head: string, error: TallystickError) => Promise<void>;
}

/** Heads that this run has shown last, and knows by their text: most of them are not published yet. */
const MAX_SHOWN = 128;
/** Heads that are being judged at a time: each may read a few tiles. */
const MAX_JUDGED = 8;

export function createLogHeads({ log, tilesOf, verifierOf, onContradiction }: LogHeadsOptions): LogHeads {
  const shown = new Set<string>();
  let newest: { readonly of: unknown; readonly text: string } | undefined;
  let judged = 0;
  let contradiction: TallystickError | undefined;

  const contradict = async (head: string, fault: SetBackFault, description: string): Promise<never> => {
    if (!contradiction) {
      contradiction = new LogSetBack('record_unavailable', fault, description);
      // Where it could not be kept, it will be shown again.
      await onContradiction(head, contradiction).catch(() => {});
    }
    throw contradiction;
  };

  const judgeOwn = async (text: string, size: number): Promise<EchoVerdict> => {
    const { origin, place } = log;
    const readTile = tilesOf(place);
    const published = log.published();
    // To read a root costs less than to verify a signature, and most heads are good.
    if (published && size <= published.size) {
      const root = await readRoot(size, tileHashReader(published.size, readTile));
      if (rootIn(text) === Buffer.from(root).toString('base64')) return 'known';
    }
    const head = await openSigned(text, place);
    if (!head) return 'unverifiable';
    const own = log.head();
    if (size > (published?.size ?? 0)) await log.publish();
    // Cut meanwhile: it is to be shown again.
    if (!own || log.origin !== origin) return 'unjudged';
    if (size > own.size) {
      return contradict(text, 'behind_anchor', `it has ${own.size} records, and had ${size}`);
    }
    const grown = { ...log.published()!, origin };
    return (await hasGrownFrom(head, grown, tileHashReader(grown.size, readTile)))
      ? 'known'
      : contradict(text, 'forked', `its first ${size} records are other ones than they were`);
  };
  const openSigned = async (text: string, place: LogPlace): Promise<Checkpoint | undefined> => {
    const verifier = await verifierOf(place);
    if (!verifier) return undefined;
    try {
      return openCheckpoint(Buffer.from(text), verifier, 'refuse');
    } catch (error) {
      if (error instanceof TlogError) return undefined;
      throw error;
    }
  };

  const judgeHead = async (text: string): Promise<EchoVerdict> => {
    const { origin = '', size = 0 } = readLogHead(text) ?? {};
    if (origin === log.origin) return judgeOwn(text, size);
    const theirs = parseOrigin(origin);
    const ours = parseOrigin(log.origin)!;
    if (theirs?.trustDomain !== ours.trustDomain || theirs.sidecarId !== ours.sidecarId) return 'unverifiable';
    if ((theirs.incarnation - ours.incarnation || theirs.shard - ours.shard) < 0) return 'older';
    if (!(await openSigned(text, theirs))) return 'unverifiable';
    return contradict(text, 'behind_anchor', `it is ${log.origin}, and was ${origin}`);
  };

  return {
    get isContradicted() {
      return contradiction !== undefined;
    },
    newest() {
      const head = log.head();
      if (head && newest?.of !== head) {
        newest = { of: head, text: Buffer.from(head.checkpoint).toString() };
        shown.add(newest.text);
        if (shown.size > MAX_SHOWN) shown.delete(shown.values().next().value!);
      }
      return newest?.text;
    },
    async judge(text) {
      if (contradiction) throw contradiction;
      if (shown.has(text)) return 'known';
      if (judged >= MAX_JUDGED) return 'unjudged';
      judged++;
      try {
        return await judgeHead(text);
      } catch (error) {
        if (error instanceof LogSetBack) throw error;
        // Tiles that cannot be read are for the verifier to name: nobody is stopped by what a workload sends.
        return 'unjudged';
      } finally {
        judged--;
      }
    },
  };
}

/** Returns the third line of a head. */
function rootIn(text: string): string | undefined {
  return text.split('\n', 3)[2];
}

async function hasGrownFrom(anchor: Checkpoint, own: Checkpoint, readHashes: HashReader): Promise<boolean> {
  try {
    await checkAgainstAnchor({ own, readHashes, anchor });
    return true;
  } catch (error) {
    if (error instanceof LogError && error.fault === 'forked') return false;
    throw error;
  }
}
