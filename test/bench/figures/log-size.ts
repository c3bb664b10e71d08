import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startBundle } from '../../daemon/bundle.ts';
import { figure } from '../figure.ts';
import { startLoad } from '../load/load.ts';
import type { Measurement } from '../measurement.ts';

const RELEASES_PER_SECOND = 10;
const SECONDS_PER_YEAR = 365.25 * 86_400;

/** What the log of a sidecar takes of the disk for each release, and after a year. */
export const logSize: Measurement = {
  name: 'log-size',
  async measure(effort) {
    const requests = effort === 'full' ? 20_000 : 1000;
    await using first = await startBundle();
    using load = await startLoad();
    await load.burst({ socket: first.socket, connections: 16, requests });
    await first.kill('SIGTERM');
    const audit = join(first.folder, 'state/audit');
    // From one stop to the next: what a log has once, as its journal's first segment, is not counted.
    const before = bytesBelow(audit);
    const second = await first.again();
    await load.burst({ socket: second.socket, connections: 16, requests });
    await load.burst({ socket: second.socket, connections: 16, requests });
    await second.kill('SIGTERM');
    const perRelease = (bytesBelow(audit) - before) / (2 * requests);
    return [
      figure({
        name: 'log-size/release',
        what: 'bytes of the disk for each release, with tiles and all',
        unit: 'bytes',
        ours: perRelease,
      }),
      figure({
        name: 'log-size/year',
        what: `after a year at ${RELEASES_PER_SECOND} releases a second`,
        unit: 'GB',
        ours: (perRelease * RELEASES_PER_SECOND * SECONDS_PER_YEAR) / 1e9,
      }),
    ];
  },
};

/** Returns the bytes of the disk that the files below a folder take: whole blocks, as `du` counts them. */
function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => statSync(join(folder, path)))
    .reduce((sum, { blocks }) => sum + blocks * 512, 0);
}
