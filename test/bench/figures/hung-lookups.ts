import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon, type Daemon } from '../../daemon/daemon.ts';
import { bundledCommand } from '../../daemon/bundle.ts';
import { figure } from '../figure.ts';
import { startLoad } from '../load/load.ts';
import type { Measurement } from '../measurement.ts';
import { startSilentResolver } from '../silent-resolver.ts';
import { median, percentile } from '../statistics.ts';

const LOOKUPS = 8;
const CONNECTIONS = 64;
/** Looked up by the sidecar's own process, as its providers do, again and again. */
const PRELOAD = `
  import { lookup } from 'node:dns';
  const hang = (name) => lookup(name, () => hang(name));
  for (let i = 0; i < ${LOOKUPS}; i++) hang('upstream-' + i + '.example');`;

/** What tokens of our own issuer take while look-ups of other names hang in the same process. */
export const hungLookups: Measurement = {
  name: 'hung-lookups',
  async measure(effort) {
    const [rounds, requests] = effort === 'full' ? [10, 10_000] : [2, 1000];
    const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-resolver-'));
    await using resolver = await startSilentResolver(folder);
    const start = async (flags: readonly string[]): Promise<Daemon> =>
      startDaemon({ command: [...resolver.command, process.execPath, ...flags, await bundledCommand()] });
    await using hung = await start([`--import=data:text/javascript,${encodeURIComponent(PRELOAD)}`]);
    await using free = await start([]);
    using load = await startLoad();
    const p99 = async ({ socket }: Daemon): Promise<number> => {
      const { latencies } = await load.burst({ socket, connections: CONNECTIONS, requests });
      return percentile(latencies, 0.99);
    };
    const p99s = { hung: [] as number[], free: [] as number[] };
    for (let round = -1; round < rounds; round++) {
      const measured = { hung: await p99(hung), free: await p99(free) };
      // The first round is for the compiler.
      if (round < 0) continue;
      p99s.hung.push(measured.hung);
      p99s.free.push(measured.free);
    }
    const asked = resolver.takeNames();
    if (asked.size === 0) throw new Error('nothing was looked up');
    rmSync(folder, { recursive: true });
    return [
      figure({
        name: 'hung-lookups/p99',
        what: `\`POST /token\`, ${CONNECTIONS} connections, while ${LOOKUPS} look-ups hang in the process, p99`,
        unit: 'ms',
        ours: median(p99s.hung),
        peer: { of: 'itself without them', value: median(p99s.free) },
        goal: { below: 50 },
      }),
    ];
  },
};
