import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '../child.ts';
import { describeDisk } from '../environment.ts';
import { figure } from '../figure.ts';
import type { Measurement } from '../measurement.ts';
import { median, percentile } from '../statistics.ts';

/** What a durable record adds to an answer: a server that records before it answers, against itself when it does not. */
export const logRelease: Measurement = {
  name: 'log-release',
  async measure(effort) {
    const [pairs, warmUp] = effort === 'full' ? [20_000, 5000] : [500, 100];
    const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-log-'));
    try {
      using server = await startChild('recording', { folder });
      const socket = connect(String(server.ready));
      await once(socket, 'connect');
      const ask = async (byte: number): Promise<number> => {
        const startMs = performance.now();
        const answered = once(socket, 'data');
        socket.write(Uint8Array.of(byte));
        await answered;
        return performance.now() - startMs;
      };
      const added: number[] = [];
      for (let pair = -warmUp; pair < pairs; pair++) {
        const plain = await ask(0);
        const recorded = await ask(1);
        if (pair >= 0) added.push(recorded - plain);
      }
      socket.destroy();
      return [
        figure({
          name: 'log-release/p50',
          what: `one record, added to an answer over a Unix socket, one at a time, p50, ${describeDisk()}`,
          unit: 'ms',
          ours: median(added),
          goal: { below: 0.35 },
        }),
        figure({ name: 'log-release/p99', what: 'the same, p99', unit: 'ms', ours: percentile(added, 0.99) }),
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  },
};
