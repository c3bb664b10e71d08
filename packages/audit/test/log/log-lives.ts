import { setImmediate } from 'node:timers/promises';
import { TallystickError, type Clock, type Timers } from '@tallystick/core';
import { inlineJournal } from '../../src/log/journal-opener.ts';
import { LogError } from '../../src/log/log-error.ts';
import { originOf, placePath } from '../../src/log/log-place.ts';
import { openLog, type Log, type MakeRecord } from '../../src/log/open-log.ts';
import type { SignedHead } from '../../src/log/published-head.ts';
import { dice, type Call, type Fault, type Survival } from '../journal/model-disk.ts';
import { LogLedger, publishedRecord } from './log-ledger.ts';
import { ModelMachine } from './model-machine.ts';
import { keyOf, optionsFor } from './test-log.ts';

/** How often each kind of image or fault was met. */
export type Counts = Map<string, number>;

const SIZES = { unitBytes: 4096, segmentBytes: 12_288 };
const SURVIVALS: readonly Survival[] = ['torn', 'reordered', 'dropped'];
const FAULTS: readonly Fault[] = ['crash', 'crash', 'crash', 'eio', 'enospc', 'short'];
const CALLS: readonly Call[] = [
  'write',
  'write',
  'datasync',
  'datasync',
  'create',
  'rename',
  'unlink',
  'syncFolder',
  'syncFolder',
];
const OWNER = { trustDomain: 'acme.example', sidecarId: 'sc-1' };
/** Nothing happens by itself: publications begin where the life says so. */
const NEVER: Timers = { after: () => ({ cancel: () => {} }) };
const STILL: Clock = { nowMs: () => 0, monotonicMs: () => 0 };

/**
 * Leads a whole log through several lives, each ended by a fault, a kill or a loss of power at any call, and checks
 * after each: the published checkpoint of the image verifies against its tiles, the log opens, and keeps its promises;
 * then flips one byte. Everything follows from the seed.
 *
 * @returns how many images were recovered from that had something to lose.
 */
export async function liveThrough(seed: number, counts: Counts): Promise<number> {
  const throws = dice(seed);
  const count = (kind: string): void => void counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const ledgers = new Map<string, LogLedger>();
  const keys = new Set<number>();
  let newest = 1;
  let machine = new ModelMachine(throws);
  let images = 0;
  for (let life = 0, lives = 2 + throws(4); life < lives; life++) {
    await work(await openThroughCrashes());
    machine = nextImage();
  }
  await flipOne();
  return images;

  function ledgerOf(origin: string): LogLedger {
    const ledger = ledgers.get(origin) ?? new LogLedger();
    ledgers.set(origin, ledger);
    return ledger;
  }

  /** Throws unless what every shard has published verifies, and each begins with the last head of the one before. */
  async function checkShards(log?: Log): Promise<void> {
    const files = machine.files();
    for (let shard = 1; shard <= ledgers.size; shard++) {
      const place = { incarnation: 1, shard };
      const ledger = ledgerOf(originOf(OWNER, place));
      const head = ledger.checkPublished(files, placePath(place), originOf(OWNER, place));
      if (!log || log.place.shard !== shard + 1) continue;
      ledger.checkClosed(head);
      await checkCut(
        log,
        head!,
        [2, 1].map((back) => publishedRecord(files, placePath(place), head!.size - back)),
      );
    }
    if (!log) return;
    newest = log.place.shard;
    const left = [...machine.files().keys()].filter((path) => path.endsWith('/cut'));
    if (left.length > 0) throw new Error(`${left.join()} is left of a cut`);
    if (String(await log.readRecord(log.head()!.size - 1)).startsWith('last'))
      throw new Error('a cut was begun, and left so');
  }

  /** Throws unless a shard ends with what says so, and the next begins with its head and all that was carried over. */
  async function checkCut(log: Log, { root }: SignedHead, last: readonly string[]): Promise<void> {
    const first = await Promise.all([0, 1, 2].map(async (seq) => String(await log.readRecord(seq))));
    const [, carriedRoot, carried] = first[0]!.split(' ');
    if (carriedRoot !== Buffer.from(root).toString('hex')) throw new Error(`${log.origin} carries another head`);
    const expected = [`last 1 ${carried}`, `last 2 ${carried}`, `state 1 ${carried}`, `state 2 ${carried}`];
    for (const [i, record] of [...last, ...first.slice(1)].entries()) {
      if (!record.startsWith(`${expected[i]} `)) throw new Error(`"${record}" stands where "${expected[i]}" belongs`);
    }
  }

  function open(on: ModelMachine): Promise<Log> {
    return openLog(
      optionsFor('', {
        clock: STILL,
        timers: NEVER,
        lock: async () => ({ release: async () => {} }),
        openFiles: (folder) => on.logFiles(folder),
        openJournal: inlineJournal((folder) => on.disk(folder), SIZES),
        async openKey({ shard }, { mayMake }) {
          if (shard < newest) throw new Error(`the key of closed shard ${shard} is asked for`);
          if (!mayMake && !keys.has(shard)) throw new Error(`shard ${shard} has signed without its key`);
          keys.add(shard);
          return keyOf(shard);
        },
        opening({ origin, previous, carried = '' }) {
          const root = previous ? Buffer.from(previous.root).toString('hex') : 'none';
          const texts = [`first ${root} ${String(carried)}`];
          if (previous) texts.push(`state 1 ${String(carried)}`, `state 2 ${String(carried)}`);
          return texts.map((each) => making(origin, each));
        },
        closing: (carried, next) => {
          const origin = next.replace(/\d+$/, (shard) => String(Number(shard) - 1));
          return [making(origin, `last 1 ${String(carried)}`), making(origin, `last 2 ${String(carried)}`)];
        },
        onFailure: () => {},
      }),
    );
  }

  async function openThroughCrashes(): Promise<Log> {
    for (let attempt = 0; ; attempt++) {
      await checkShards();
      const fault = attempt < 3 && throws(5) < 2 ? armed() : undefined;
      const cut = [...machine.files().keys()].find((path) => path.endsWith('/cut'));
      try {
        const log = await open(machine);
        machine.fault = () => undefined;
        if (cut) count(cut === `${placePath(log.place)}/cut` ? 'cut forgotten' : 'cut completed');
        await ledgerOf(log.origin).check(log);
        await checkShards(log);
        return log;
      } catch (error) {
        if (!fault?.fired || !TallystickError.is(error)) throw error;
        if (error instanceof LogError && error.code === 'state_unusable' && error.fault !== 'unreadable') throw error;
        count(`${fault.kind} in ${fault.call} while opening`);
        machine = nextImage();
      }
    }
  }

  async function work(first: Log): Promise<void> {
    let log = first;
    let cutting = false;
    const fault = throws(12) > 0 ? armed() : undefined;
    const started: Promise<unknown>[] = [];
    const note = (act: Promise<unknown>): void => {
      started.push(act.catch((error: unknown) => refused(error)));
    };
    let failed = false;
    const refused = (error: unknown): void => {
      if (cutting && error instanceof LogError && error.fault === 'closed') return;
      if (!fault?.fired || !TallystickError.is(error)) throw error;
      failed = true;
    };
    for (let left = 1 + throws(14); left > 0 && !failed; left--) {
      for (let n = 1 + throws(60); n > 0; n--) note(appendOne(log));
      if (throws(3) === 0) note(log.publish());
      if (!cutting && throws(20) === 0) {
        cutting = true;
        note(
          log.nextShard(Buffer.from(String(throws(2 ** 32)))).then((next) => {
            log = next;
            newest = next.place.shard;
            cutting = false;
            count('shard cut');
          }),
        );
      }
      // Some of it finishes before the next begins, some does not.
      for (let turns = throws(4); turns > 0; turns--) await setImmediate();
      show(log);
    }
    if (throws(2) === 0) await Promise.all(started);
    show(log);
    if (fault?.fired) count(`${fault.kind} in ${fault.call}`);
    // The end comes in the middle: what is still on its way finds a machine that has stopped.
    machine.fault = () => undefined;
    machine.stop();
    await Promise.allSettled(started);
  }

  /** Makes a record of a text, other than all made before, and remembers it. */
  function making(origin: string, text: string): MakeRecord {
    return (seq) => {
      const record = Buffer.from(`${text} ${throws(2 ** 32)}`);
      ledgerOf(origin).appending(seq, record);
      return record;
    };
  }

  function show(log: Log): void {
    ledgerOf(log.origin).show(log.published());
    ledgerOf(log.origin).show(log.head());
  }

  async function appendOne(log: Log): Promise<void> {
    const ledger = ledgerOf(log.origin);
    const { seq, leafHash } = await log.append((at) => {
      const record = Buffer.from(`${at} ${throws(2 ** 32)} ${'x'.repeat(throws(30) === 0 ? throws(900) : throws(40))}`);
      ledger.appending(at, record);
      return record;
    });
    ledger.acknowledge(seq, leafHash);
  }

  function nextImage(): ModelMachine {
    const survival = SURVIVALS[throws(3)]!;
    const killed = throws(4) === 0;
    const stake = machine.hasForgotten
      ? 'what a failed sync forgot'
      : machine.hasUnsynced
        ? 'what was not durable'
        : '';
    if (stake) images++;
    count(`${killed ? 'process killed' : `power lost, ${survival}`}: ${stake || 'nothing at stake, not counted'}`);
    return killed ? machine.restarted() : machine.afterPowerLoss(survival);
  }

  /** A fault of any kind that will strike at one call of any kind, soon. */
  function armed(): { kind: Fault; call: Call; fired: boolean } {
    const fault = { kind: FAULTS[throws(FAULTS.length)]!, call: CALLS[throws(CALLS.length)]!, fired: false };
    let left = 1 + throws(fault.call === 'rename' || fault.call === 'unlink' ? 8 : 40);
    machine.fault = (call) => {
      if (call !== fault.call || --left !== 0) return undefined;
      fault.fired = true;
      return fault.kind;
    };
    return fault;
  }

  /** One flipped bit is found, or repaired, or is not under what is served: never a wrong record with a right proof. */
  async function flipOne(): Promise<void> {
    const log = await openThroughCrashes();
    for (let n = throws(300); n > 0; n--) await appendOne(log);
    await log.close();
    show(log);
    const ledger = ledgerOf(log.origin);
    const folder = placePath(log.place);
    const files = [...machine.files()]
      .filter(([path, content]) => path.startsWith(`${folder}/`) && content.length > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const [path, content] = files[throws(files.length)]!;
    const used = content.findLastIndex((byte) => byte !== 0) + 1;
    machine.flip(path, throws(used), 1 << throws(8));
    const kind = path.slice(folder.length + 1).replace(/\/.*/, '');
    let opened: Log;
    try {
      opened = await open(machine);
    } catch (error) {
      if (!TallystickError.is(error) || error.code !== 'state_unusable') throw error;
      count(`flipped bit in ${kind}: refused`);
      return;
    }
    let suspect = 0;
    for (let seq = 0; seq < opened.published()!.size; seq += 1 + throws(20)) {
      try {
        await opened.proveInclusion(seq);
        ledger.mustBe(seq, await opened.readRecord(seq));
      } catch (error) {
        if (!TallystickError.is(error) || error.code !== 'log_invalid') throw error;
        suspect++;
      }
    }
    const outcome =
      suspect > 0 ? 'no proof' : opened.restoration.repaired.length > 0 ? 'repaired' : 'not under a record';
    count(`flipped bit in ${kind}: ${outcome}`);
  }
}
