import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inWorkers, logFolder, policyOfVkeys, verifyLog } from '@tallystick/audit';
import { figure } from '../figure.ts';
import { fillLog, openBenchLog } from '../log/bench-log.ts';
import { sampleRecords } from '../log/sample-records.ts';
import type { Measurement } from '../measurement.ts';
import { median } from '../statistics.ts';

/** Every leaf of a log hashed from its record, every tile derived and compared, up to the signed head. */
export const logVerification: Measurement = {
  name: 'log-verification',
  async measure(effort) {
    const [size, rounds] = effort === 'full' ? [1_000_000, 7] : [50_000, 2];
    const all = mkdtempSync(join(tmpdir(), 'tallystick-bench-log-'));
    try {
      const log = await openBenchLog({ folder: all, privateKey: generateKeyPairSync('ed25519').privateKey });
      await fillLog(log, size, sampleRecords(log.origin, Date.now()));
      await log.close();
      const folder = join(all, '1/1');
      const rate = async (threads: number): Promise<number> => {
        await using ranges = inWorkers({ folder, threads });
        const startMs = performance.now();
        const report = await verifyLog({
          readFile: logFolder(folder),
          policy: policyOfVkeys([readFileSync(join(folder, 'vkey'), 'utf8').trim()]),
          level: 'full',
          ranges,
          nowMs: Date.now(),
        });
        if (report.integrity.verdict !== 'holds') throw new Error('the log is not what was written');
        return (size / (performance.now() - startMs)) * 1000;
      };
      const rates: number[] = [];
      // The first round brings the files into memory.
      for (let round = -1; round < rounds; round++) {
        const measured = await rate(2);
        if (round >= 0) rates.push(measured);
      }
      return [
        figure({
          name: 'log-verification/two-threads',
          what: `records of ${sampleRecords(log.origin, 0)(0).length} bytes verified by two threads, up to the head of a log of ${size.toLocaleString('en')}`,
          unit: 'records/s',
          ours: median(rates),
          goal: { atLeast: 300_000 },
        }),
      ];
    } finally {
      rmSync(all, { recursive: true });
    }
  },
};
