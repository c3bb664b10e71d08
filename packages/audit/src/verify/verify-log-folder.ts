import { TallystickError } from '@tallystick/core';
import { TILE_WIDTH } from '../tlog/tile.ts';
import { carriedHead, nextOrigin } from './carried-head.ts';
import { eachRecord } from './derive-bundle.ts';
import type { RangeDeriver } from './derive-ranges.ts';
import {
  Findings,
  type CompletenessCode,
  type CompletenessFinding,
  type IntegrityCode,
  type IntegrityFinding,
} from './finding.ts';
import { judgeLinks, type VerifiedLog } from './judge-links.ts';
import { findTile, type ReadLogFile } from './read-log-file.ts';
import { completenessVerdict, worstOf, type LogReport, type Verdict } from './report.ts';
import { verifyLog, type VerifyLogOptions } from './verify-log.ts';

/** How all logs of a sidecar are verified. */
export interface VerifyLogFolderOptions extends Omit<VerifyLogOptions, 'readFile' | 'from' | 'ranges'> {
  /** Reads files by their path below the folder of all logs. */
  readonly readFile: ReadLogFile;
  /** Returns the names of the folders in a folder; '' is that of all logs. */
  readonly listFolders: (path: string) => readonly string[] | Promise<readonly string[]>;
  /** Returns the head of one log that was kept outside of it, where one was. */
  readonly fromOf?: (path: string) => VerifyLogOptions['from'];
  /** Returns what hashes the records of one log, and is disposed of after it; undefined: this thread does. */
  readonly rangesOf?: (path: string) => (RangeDeriver & AsyncDisposable) | undefined;
}

/** What a verifier says of all logs of a sidecar. It is JSON, and its members are part of the interface. */
export interface LogFolderReport {
  readonly v: 1;
  /** In the order of incarnations and shards. */
  readonly logs: readonly (LogReport & { readonly path: string })[];
  /** Over all logs; the findings are those about how one carries on from another. */
  readonly integrity: Verdict<IntegrityFinding>;
  readonly completeness: Verdict<CompletenessFinding>;
}

/**
 * Returns what the logs of a sidecar prove, each on its own and one after the other: `<incarnation>/<shard>`, each
 * beginning with the last head of the one before. What anchors a log anchors all that it carries on from.
 *
 * @throws {TallystickError} `log_invalid` as a rejection: there is no log.
 */
export async function verifyLogFolder(options: VerifyLogFolderOptions): Promise<LogFolderReport> {
  const { readFile, fromOf, rangesOf, ...how } = options;
  const logs: (LogReport & { readonly path: string })[] = [];
  const verified: VerifiedLog[] = [];
  for (const path of await logPaths(options)) {
    await using ranges = rangesOf?.(path);
    const from = fromOf?.(path);
    const readLogFile: ReadLogFile = (file) => readFile(`${path}/${file}`);
    const report = await verifyLog({
      ...how,
      readFile: readLogFile,
      ...(from && { from }),
      ...(ranges && { ranges }),
    });
    const head = report.head && report.integrity.verdict !== 'fails' ? report.head : undefined;
    logs.push({ path, ...report });
    verified.push({
      path,
      head,
      carried: head && (await recordIn(readLogFile, head.size, 0, carriedHead)),
      next: head && (await recordIn(readLogFile, head.size, head.size - 1, nextOrigin)),
    });
  }
  if (logs.length === 0) throw new TallystickError('log_invalid', 'the folder has no log');
  const integrity = new Findings<IntegrityCode>();
  const completeness = new Findings<CompletenessCode>();
  const continued = judgeLinks(verified, integrity, completeness);
  const ofLinks = {
    integrity: { verdict: integrity.count > 0 ? 'fails' : 'holds' } as const,
    completeness: completenessVerdict(completeness),
  };
  return {
    v: 1,
    logs,
    integrity: {
      verdict: worstOf([ofLinks.integrity, ...logs.map((log) => log.integrity)]),
      findings: integrity.list,
      count: integrity.count,
    },
    completeness: {
      ...ofLinks.completeness,
      verdict: worstOf([ofLinks.completeness, ...logs.map((log) => completenessIn(log, continued))]),
    },
  };
}

/** A log that another carries on from is as well anchored as that one: none of its records can be taken back alone. */
function completenessIn(
  log: LogReport & { readonly path: string },
  continued: ReadonlySet<string>,
): Pick<Verdict<unknown>, 'verdict'> {
  const { verdict, findings } = log.completeness;
  const moot = continued.has(log.path) && findings.every(({ code }) => ABOUT_ANCHORS.has(code));
  return { verdict: moot ? 'holds' : verdict };
}

const ABOUT_ANCHORS: ReadonlySet<CompletenessCode> = new Set(['rollback_undetectable', 'quorum_missing', 'anchor_old']);

/**
 * Returns the paths of all logs: folders of two numbers. One that was begun and never published anything is none yet; to
 * take a log away is what the next one, or an anchor, shows.
 */
async function logPaths({ listFolders, readFile }: VerifyLogFolderOptions): Promise<string[]> {
  const paths: string[] = [];
  for (const incarnation of numbersIn(await listFolders(''))) {
    for (const shard of numbersIn(await listFolders(incarnation))) {
      const path = `${incarnation}/${shard}`;
      const published = (await readFile(`${path}/checkpoint`)) ?? (await listFolders(path)).includes('tile');
      if (published) paths.push(path);
    }
  }
  return paths;
}

/** Returns the names that are numbers, the lowest first. */
function numbersIn(names: readonly string[]): string[] {
  return names.filter((name) => /^(?:0|[1-9][0-9]{0,8})$/.test(name)).sort((a, b) => Number(a) - Number(b));
}

/** Returns what one record of a log says; undefined where there is none. */
async function recordIn<T>(
  readFile: ReadLogFile,
  size: number,
  index: number,
  read: (record: Uint8Array) => T,
): Promise<T | undefined> {
  if (index < 0 || index >= size) return undefined;
  const bundle = Math.floor(index / TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, size - bundle * TILE_WIDTH);
  const found = await findTile(readFile, { level: 'entries', index: bundle, width });
  let said: T | undefined;
  const at = index % TILE_WIDTH;
  if (found) eachRecord(found.bytes, at + 1, (i, record) => void (i === at && (said = read(record))));
  return said;
}
