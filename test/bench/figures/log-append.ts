import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '../child.ts';
import { describeDisk } from '../environment.ts';
import { figure, type Figure } from '../figure.ts';
import { interleave } from '../interleave.ts';
import type { AppendCommand, Appended } from '../log/append-command.ts';
import { sampleRecords } from '../log/sample-records.ts';
import { buildTessera } from '../log/tessera.ts';
import type { Measurement } from '../measurement.ts';
import { median, medianRatio } from '../statistics.ts';

/** How many records a second there are to be, by how many are appended at the same time. */
const GOALS = [
  [1, 3000],
  [8, 11_000],
  [64, 40_000],
  [256, 55_000],
] as const;
/** What its makers say of an NVMe disk, with seven cores and 30,000 writers. */
const TESSERA_PER_SECOND = 10_000;

/** Appends to the log, each durable under a signed head before the next of its turn. */
export const logAppend: Measurement = {
  name: 'log-append',
  async measure(effort) {
    const [how, forMs] = effort === 'full' ? [{ rounds: 10, warmUp: 3 }, 1000] : [{ rounds: 2, warmUp: 1 }, 200];
    const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-log-'));
    try {
      using log = await startChild('log', { folder });
      using tessera = buildTessera();
      const append = async (concurrency: number, encode = false): Promise<number> => {
        const command: AppendCommand = { concurrency, forMs, encode };
        return ((await log.ask(command)) as Appended).perSecond;
      };
      const entryBytes = sampleRecords('acme.example/sidecar/1/1', 0)(0).length;
      const figures: Figure[] = [];
      for (const [concurrency, atLeast] of GOALS) {
        const rates = await interleave(
          {
            ours: () => append(concurrency),
            ...(tessera && { theirs: () => tessera.append({ concurrency, forMs, entryBytes }) }),
          } as Record<'ours' | 'theirs', () => Promise<number>>,
          how,
        );
        const of = 'Tessera, POSIX driver';
        figures.push(
          figure({
            name: `log-append/${concurrency}`,
            what: `records of ${entryBytes} bytes appended to the log by ${concurrency} at a time, each durable under a signed head, ${describeDisk()}`,
            unit: 'records/s',
            ours: median(rates.ours),
            ...(tessera
              ? { peer: { of, value: median(rates.theirs) }, ratio: medianRatio(rates.ours, rates.theirs) }
              : { peer: { of, value: TESSERA_PER_SECOND, fixed: true } }),
            goal: { atLeast },
          }),
        );
      }
      const encoded = await interleave({ ours: () => append(64, true) }, how);
      figures.push(
        figure({
          name: 'log-append/encoded',
          what: `the same by 64 at a time, each checked and encoded first, ${describeDisk()}`,
          unit: 'records/s',
          ours: median(encoded.ours),
        }),
      );
      return figures;
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  },
};
