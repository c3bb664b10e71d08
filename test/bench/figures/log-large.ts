import { spawnSync } from 'node:child_process';
import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@tallystick/audit';
import { runCli } from '../../../sidecar/test/cli/run-cli.ts';
import type { Daemon } from '../../daemon/daemon.ts';
import { bundledCommand, startBundle } from '../../daemon/bundle.ts';
import { describeDisk } from '../environment.ts';
import { figure, type Figure } from '../figure.ts';
import { interleave, timeAwaited } from '../interleave.ts';
import { startLoad } from '../load/load.ts';
import { fillLog, openBenchLog } from '../log/bench-log.ts';
import { sampleIdentity, sampleRecords } from '../log/sample-records.ts';
import type { Effort, Measurement } from '../measurement.ts';
import { memoryOf } from '../memory.ts';
import { median, medianRatio } from '../statistics.ts';

/** The disk must have room for it: 16 GB for the log, and 6 for its index. */
const RECORDS = 10_000_000;

/** What a log of ten million records costs a sidecar and its reader, against one that has just begun. */
export const logLarge: Measurement = {
  name: 'log-large',
  async measure(effort) {
    const size = effort === 'full' ? RECORDS : 100_000;
    // Each makes the keys and the first records that it goes on with.
    await using large = await startBundle();
    await using small = await startBundle();
    for (const daemon of [large, small]) await daemon.kill('SIGTERM');
    const startMs = performance.now();
    const log = await openLogOf(large);
    await fillLog(log, size, sampleRecords(log.origin, Date.now()));
    const perSecond = (size / (performance.now() - startMs)) * 1000;
    const counted = size.toLocaleString('en');
    return [
      figure({
        name: 'log-large/filled',
        what: `${counted} records appended by 8,192 at a time, and published, ${describeDisk()}`,
        unit: 'records/s',
        ours: perSecond,
      }),
      await compareAppends(log, small, effort),
      ...(await compareSidecars(large, small, effort)),
      ...(await measureQueries(join(large.folder, 'state/audit'), size)),
    ];
  },
};

/** Opens the log of a daemon that has ended, with its key. */
async function openLogOf({ folder }: Daemon): Promise<Log> {
  const audit = join(folder, 'state/audit');
  const [origin = ''] = readFileSync(join(audit, '1/1/checkpoint'), 'utf8').split('\n');
  return openBenchLog({
    folder: audit,
    privateKey: logKeyIn(join(folder, 'state/keys')),
    sidecarId: origin.split('/')[1]!,
  });
}

function logKeyIn(keys: string): KeyObject {
  const name = readdirSync(keys).find((each) => each.startsWith('log-key-'))!;
  const { content } = JSON.parse(readFileSync(join(keys, name), 'utf8')) as { content: { jwk: JsonWebKey } };
  return createPrivateKey({ key: content.jwk, format: 'jwk' });
}

/** So many that a journal holds as much of it as of any larger one: what a start reads of that is the same. */
const FEW = 20_000;

/** Closes both logs, the small one with {@link FEW} records. */
async function compareAppends(large: Log, small: Daemon, effort: Effort): Promise<Figure> {
  const empty = await openLogOf(small);
  const p50 = async (log: Log): Promise<number> => {
    const recordAt = sampleRecords(log.origin, Date.now());
    const times: number[] = [];
    for (let i = 0; i < 200; i++) times.push(await timeAwaited(1, () => log.append(recordAt)));
    return median(times) / 1000;
  };
  const times = await interleave(
    { large: () => p50(large), empty: () => p50(empty) },
    { rounds: effort === 'full' ? 30 : 3, warmUp: 2 },
  );
  await fillLog(empty, FEW, sampleRecords(empty.origin, Date.now()));
  await large.close();
  await empty.close();
  return figure({
    name: 'log-large/append',
    what: `a record appended, one at a time, p50, ${describeDisk()}`,
    unit: 'ms',
    ours: median(times.large),
    peer: { of: 'an empty log', value: median(times.empty) },
    ratio: medianRatio(times.large, times.empty),
    goal: { ratioAtMost: 1.5 },
  });
}

async function compareSidecars(large: Daemon, small: Daemon, effort: Effort): Promise<Figure[]> {
  const [rounds, requests] = effort === 'full' ? [10, 10_000] : [2, 500];
  using load = await startLoad();
  const kinds = { large, small };
  const starts = { large: [] as number[], small: [] as number[] };
  const sizes = { large: [] as number[], small: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const kind of ['large', 'small'] as const) {
      const startMs = performance.now();
      await using daemon = await kinds[kind].again();
      starts[kind].push(performance.now() - startMs);
      await load.burst({ socket: daemon.socket, connections: 64, requests });
      sizes[kind].push(memoryOf(daemon.pid).rssMb);
      // With a tail that its journal alone has.
      await daemon.kill('SIGKILL');
    }
  }
  return [
    figure({
      name: 'log-large/restart',
      what: 'spawn to the line "serving", after kill -9 under load',
      unit: 's',
      ours: median(starts.large) / 1000,
      peer: { of: `a log of ${FEW.toLocaleString('en')}`, value: median(starts.small) / 1000 },
      goal: { below: 1 },
    }),
    figure({
      name: 'log-large/memory',
      what: `RSS of the sidecar after ${requests.toLocaleString('en')} releases`,
      unit: 'MB',
      ours: median(sizes.large),
      peer: { of: `a log of ${FEW.toLocaleString('en')}`, value: median(sizes.small) },
      ratio: medianRatio(sizes.large, sizes.small),
      goal: { ratioAtMost: 1.1 },
    }),
  ];
}

async function measureQueries(dir: string, size: number): Promise<Figure[]> {
  const main = await bundledCommand();
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-index-'));
  const index = ['--index', join(folder, 'index'), '--limit', '50'];
  const query = (number: number): string[] => [
    'audit',
    'log',
    '--dir',
    dir,
    ...index,
    '--identity',
    sampleIdentity(number),
  ];
  const timed = async (run: () => unknown): Promise<number> => {
    const startMs = performance.now();
    await run();
    return performance.now() - startMs;
  };
  const inProcess = async (number: number): Promise<void> => {
    const { code, stderr } = await runCli(query(number));
    if (code !== 0) throw new Error(stderr);
  };
  const asCommand = (number: number): void => {
    const { status, stderr } = spawnSync(process.execPath, [main, ...query(number)], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  try {
    const madeMs = await timed(() => inProcess(0));
    const times = await interleave(
      { inProcess: () => timed(() => inProcess(1)), asCommand: () => timed(() => asCommand(2)) },
      { rounds: 20, warmUp: 2 },
    );
    return [
      figure({
        name: 'log-large/query',
        what: '`audit log --identity ID --limit 50` from an index that fits, its 50 records read from the log',
        unit: 'ms',
        ours: median(times.inProcess),
        goal: { below: 100 },
      }),
      figure({
        name: 'log-large/command',
        what: 'the same as a command, from spawn to exit',
        unit: 'ms',
        ours: median(times.asCommand),
      }),
      figure({
        name: 'log-large/index',
        what: `the same, when the index of ${size.toLocaleString('en')} records is made first`,
        unit: 's',
        ours: madeMs / 1000,
      }),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
