import { encodeBody, type Batch } from '../../src/journal/batch.ts';
import { JournalError } from '../../src/journal/journal-error.ts';
import { recoverJournal, type Recovery } from '../../src/journal/recovery.ts';
import { dice, ModelDisk, type Call, type Dice, type Fault, type Survival } from './model-disk.ts';

/** Small segments, so that a life of a few commits fills several. */
export const SIZES = { unitBytes: 4096, segmentBytes: 12_288 };

/** How often each kind of image or fault was met. */
export type Counts = Map<string, number>;

export function count(counts: Counts, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}

/** What must be true of a journal, as its user knows it: which batches were acknowledged, and what may have been lost. */
class Ledger {
  readonly acknowledged: Batch[] = [];
  /** Committed without an acknowledgement: may be found or not, once. */
  inFlight: Batch | undefined;
  readonly dropped = new Set<string>();
  readonly heads = new Map<number, string>();
  releasedTo = 0;

  get nextSeq(): number {
    const last = this.acknowledged.at(-1);
    return last ? last.firstSeq + last.records.length : 0;
  }

  acknowledge(batch: Batch): void {
    this.acknowledged.push(batch);
    this.#headOf(batch);
  }

  /** Throws where a recovery broke a promise. */
  check(found: readonly Batch[], recovery: Recovery): void {
    const { firstSeq } = recovery;
    if (firstSeq > Math.min(this.releasedTo, this.nextSeq))
      throw new Error(`records below ${firstSeq} were never released`);
    const expected = this.acknowledged.filter((batch) => batch.firstSeq >= firstSeq);
    for (const [index, batch] of expected.entries()) {
      if (found[index] === undefined) throw new Error(`acknowledged record ${batch.firstSeq} is gone`);
      if (!same(found[index], batch)) throw new Error(`acknowledged record ${batch.firstSeq} is not as it was`);
    }
    const [extra, ...more] = found.slice(expected.length);
    if (more.length > 0) throw new Error('more than what was in flight appeared');
    for (const batch of found) {
      if (this.dropped.has(text(batch.head))) throw new Error(`dropped record ${batch.firstSeq} came back`);
      this.#headOf(batch);
    }
    if (extra) {
      if (!this.inFlight || !same(extra, this.inFlight)) throw new Error(`record ${extra.firstSeq} was never appended`);
      this.acknowledge(extra);
    } else if (this.inFlight) {
      this.dropped.add(text(this.inFlight.head));
    }
    this.inFlight = undefined;
    if (recovery.nextSeq !== this.nextSeq) throw new Error(`goes on at ${recovery.nextSeq}, not ${this.nextSeq}`);
  }

  #headOf(batch: Batch): void {
    const size = batch.firstSeq + batch.records.length;
    const head = this.heads.get(size) ?? text(batch.head);
    if (head !== text(batch.head)) throw new Error(`two heads of size ${size}`);
    this.heads.set(size, head);
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const same = (a: Batch, b: Batch): boolean =>
  a.firstSeq === b.firstSeq &&
  a.batchNo === b.batchNo &&
  a.records.length === b.records.length &&
  Buffer.compare(a.head, b.head) === 0 &&
  a.records.every((record, index) => Buffer.compare(record, b.records[index]!) === 0);

const SURVIVALS: readonly Survival[] = ['torn', 'reordered', 'dropped'];
const FAULTS: readonly Fault[] = ['crash', 'crash', 'crash', 'eio', 'eio', 'enospc', 'short'];

/**
 * Leads a journal through several lives, each ended by a fault, a kill or a loss of power, and checks after each
 * recovery that the journal kept its promises; then flips one byte. Everything follows from the seed.
 *
 * @returns how many crash images were recovered from that had something to lose.
 */
export function liveThrough(seed: number, counts: Counts): number {
  const throws = dice(seed);
  const ledger = new Ledger();
  let disk = new ModelDisk(throws);
  let images = 0;
  for (let life = 0, lives = 2 + throws(4); life < lives; life++) {
    const recovery = recoverThroughCrashes();
    work(recovery);
    disk = nextImage();
  }
  flipOne(recoverThroughCrashes());
  return images;

  function recoverThroughCrashes(): Recovery {
    for (let attempt = 0; ; attempt++) {
      const fault = attempt < 3 && throws(5) < 2 ? armed(disk, throws) : undefined;
      const found: Batch[] = [];
      try {
        const recovery = recoverJournal({ disk, onBatch: (batch) => found.push(batch), sizes: SIZES });
        disk.fault = () => undefined;
        ledger.check(found, recovery);
        return recovery;
      } catch (error) {
        if (!fault?.fired || !(error instanceof JournalError)) throw error;
        if (error.code === 'state_unusable' && error.fault !== 'unreadable') throw error;
        count(counts, `${fault.kind} in ${fault.call} within a recovery`);
        disk = nextImage();
      }
    }
  }

  function work({ journal }: Recovery): void {
    const fault = throws(12) > 0 ? armed(disk, throws) : undefined;
    try {
      for (let left = 1 + throws(16); left > 0; left--) {
        const batch = someBatch(throws, journalPosition(), ledger.nextSeq);
        ledger.inFlight = batch;
        const position = journal.commit(encodeBody(batch.records, batch.head));
        if (position.firstSeq !== batch.firstSeq) throw new Error('the journal counts otherwise');
        ledger.inFlight = undefined;
        ledger.acknowledge(batch);
        if (throws(6) === 0) {
          ledger.releasedTo = Math.max(ledger.releasedTo, throws(ledger.nextSeq + 1));
          journal.release(ledger.releasedTo);
        }
      }
    } catch (error) {
      if (!fault?.fired || !(error instanceof JournalError)) throw error;
      count(counts, `${fault.kind} in ${fault.call}`);
      if (fault.kind === 'enospc' && error.fault !== 'disk_full')
        throw new Error('a full disk was not told apart', { cause: error });
      refusesForGood(journal);
    } finally {
      disk.fault = () => undefined;
    }
  }

  function journalPosition(): number {
    const last = ledger.acknowledged.at(-1);
    return last ? last.batchNo + 1 : 0;
  }

  function refusesForGood(journal: Recovery['journal']): void {
    const { calls } = disk;
    for (const call of [() => journal.commit(encodeBody([Buffer.of(1)], Buffer.of(2))), () => journal.release(0)]) {
      try {
        call();
      } catch (error) {
        if (error instanceof JournalError && disk.calls === calls) continue;
      }
      throw new Error('a journal that had failed was used again');
    }
  }

  function nextImage(): ModelDisk {
    const survival = SURVIVALS[throws(3)]!;
    const killed = throws(4) === 0;
    const how = killed ? 'process killed' : 'power lost';
    const stakes = [
      disk.hasUnsyncedNames && `${how}: names not durable`,
      disk.hasUnsyncedSectors && (killed ? `${how}: sectors not durable` : `${how}: ${survival} sectors`),
      disk.hasForgottenSectors && `${how}: sectors that a failed sync forgot`,
    ].filter((stake) => stake !== false);
    // An image of a disk that had nothing to lose proves little: it does not count.
    if (stakes.length > 0) images++;
    else count(counts, `${how}: nothing at stake, not counted`);
    for (const stake of stakes) count(counts, stake);
    return killed ? disk.restarted() : disk.afterPowerLoss(survival);
  }

  function flipOne({ journal }: Recovery): void {
    for (let left = 1 + throws(4); left > 0; left--) {
      const batch = someBatch(throws, journalPosition(), ledger.nextSeq);
      journal.commit(encodeBody(batch.records, batch.head));
      ledger.acknowledge(batch);
    }
    const files = [...disk.files()].sort(([a], [b]) => (a < b ? -1 : 1));
    // Half of them in the newest segment, and half of those in the last acknowledged batch or its neighbourhood.
    const [name, bytes] = throws(2) === 0 ? files.at(-1)! : files[throws(files.length)]!;
    const used = Math.ceil((bytes.findLastIndex((byte) => byte !== 0) + 1) / 512) * 512;
    const offset = throws(2) === 0 ? used - 1 - throws(512) : throws(used);
    const broken = disk.afterPowerLoss('torn');
    broken.flip(name, offset, 1 << throws(8));
    const before = broken.files();
    count(counts, 'flipped bit');
    try {
      recoverJournal({ disk: broken, onBatch: () => {}, sizes: SIZES });
    } catch (error) {
      if (!(error instanceof JournalError) || error.fault !== 'damaged') throw error;
      const sector = Math.floor(offset / 512) * 512;
      if (error.place?.segment !== name || error.place.offset !== sector) {
        throw new Error(`byte ${offset} of ${name} was flipped, and another place named`, { cause: error });
      }
      const after = broken.files();
      const touched = after.size !== before.size || [...before].some(([key, value]) => !after.get(key)?.equals(value));
      if (touched) throw new Error('a refused journal was changed', { cause: error });
      return;
    }
    throw new Error(`a flipped bit in byte ${offset} of ${name} was accepted`);
  }
}

const CALLS: readonly Call[] = [
  'write',
  'write',
  'write',
  'write',
  'datasync',
  'datasync',
  'create',
  'rename',
  'unlink',
  'syncFolder',
];

/** A fault of any kind that will strike at one call of any kind, soon. */
function armed(disk: ModelDisk, throws: Dice): { kind: Fault; call: Call; fired: boolean } {
  const fault = { kind: FAULTS[throws(FAULTS.length)]!, call: CALLS[throws(CALLS.length)]!, fired: false };
  let left = 1 + throws(fault.call === 'write' || fault.call === 'datasync' ? 12 : 3);
  disk.fault = (call) => {
    if (call !== fault.call || --left !== 0) return undefined;
    fault.fired = true;
    return fault.kind;
  };
  return fault;
}

function someBatch(throws: Dice, batchNo: number, firstSeq: number): Batch {
  const bytes = (length: number): Buffer =>
    Buffer.from(Uint8Array.from({ length }, () => (throws(3) === 0 ? 0 : throws(256))));
  const records = Array.from({ length: 1 + throws(4) }, () => bytes(throws(4) === 0 ? throws(1500) : throws(200)));
  // No two heads are alike, even of one size.
  const head = Buffer.from(`head ${throws(2 ** 32)} of ${firstSeq + records.length}`);
  return { batchNo, firstSeq, records, head };
}
