import type { ReceiptLine } from '@tallystick/core';

/** What one run of a verifier has told, as far as the files go. */
interface Run {
  lines: number;
  firstSeq: number;
  lastSeq: number;
  lost: number;
  /** Between these, all that it verified is in the files. Milliseconds since the epoch. */
  fromMs: number;
  toMs: number;
  readonly audiences: Set<string>;
}

interface Interval {
  readonly fromMs: number;
  toMs: number;
}

/** What receipts lack, and what nobody can tell because of it. */
export interface Lacks {
  /** Verifications that a run says it could not write. */
  readonly lost: number;
  /** Runs of which lines are missing, or given twice. */
  readonly gaps: number;
}

/**
 * Which APIs the receipts speak for, and when: without that, a lease that nobody has seen says nothing. Grows with the
 * runs of verifiers, not with their receipts.
 */
export class Coverage {
  readonly #runs = new Map<string, Run>();

  add(line: ReceiptLine): void {
    const run = this.#runOf(line);
    run.lines += 1;
    run.firstSeq = Math.min(run.firstSeq, line.seq);
    run.lastSeq = Math.max(run.lastSeq, line.seq);
    if (line.type === 'receipt') return;
    const ms = Date.parse(line.time);
    run.lost = Math.max(run.lost, line.lost);
    run.fromMs = Math.min(run.fromMs, ms);
    if (line.state === 'written' || line.state === 'closed') run.toMs = Math.max(run.toMs, ms);
    for (const audience of line.audiences) run.audiences.add(audience);
  }

  get runs(): number {
    return this.#runs.size;
  }

  get audiences(): readonly string[] {
    return [...new Set([...this.#runs.values()].flatMap(({ audiences }) => [...audiences]))].sort();
  }

  lacks(): Lacks {
    const runs = [...this.#runs.values()];
    return { lost: runs.reduce((sum, { lost }) => sum + lost, 0), gaps: runs.filter(hasGap).length };
  }

  /** Returns what answers for each audience: of runs that lack nothing, the intervals in which one of them watched. */
  watch(): Watch {
    const byAudience = new Map<string, Interval[]>();
    const whole = [...this.#runs.values()].filter((run) => run.toMs > run.fromMs && run.lost === 0 && !hasGap(run));
    for (const { audiences, fromMs, toMs } of whole.sort((a, b) => a.fromMs - b.fromMs)) {
      for (const audience of audiences) {
        const intervals = byAudience.get(audience) ?? [];
        const last = intervals.at(-1);
        if (last && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
        else intervals.push({ fromMs, toMs });
        byAudience.set(audience, intervals);
      }
    }
    return (audience, fromMs, toMs) => {
      const intervals = byAudience.get(audience) ?? [];
      const found = intervals.find((interval) => fromMs >= interval.fromMs && fromMs <= interval.toMs);
      if (found && toMs <= found.toMs) return 'whole';
      return found && found === intervals.at(-1) ? 'begun' : 'not';
    };
  }

  #runOf({ writer, seq }: ReceiptLine): Run {
    const held = this.#runs.get(writer);
    if (held) return held;
    const run: Run = {
      lines: 0,
      firstSeq: seq,
      lastSeq: seq,
      lost: 0,
      fromMs: Infinity,
      toMs: -Infinity,
      audiences: new Set(),
    };
    this.#runs.set(writer, run);
    return run;
  }
}

/** Says whether an API of an audience was watched all the time: `begun` where it was, and the receipts end before. */
export type Watch = (audience: string, fromMs: number, toMs: number) => 'whole' | 'begun' | 'not';

function hasGap({ lines, firstSeq, lastSeq }: Run): boolean {
  return lines !== lastSeq - firstSeq + 1;
}
