import { join } from 'node:path';
import {
  createRecordJudge,
  formatOrigin,
  openCheckpoint,
  parseCheckpointBody,
  parseNote,
  parseOrigin,
  VERIFY_EXIT,
  verifyExitCode,
  verifyLogFolder,
  type Head,
  type LogFolderReport,
  type SemanticRecordJudge,
  type TlogPolicy,
} from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { jsonText } from '../ask-sidecar.ts';
import { defineCommand, JSON_OPTION, UsageError } from '../command.ts';
import { describeReport } from './describe-report.ts';
import { parseInstant } from './instant.ts';
import { judging } from './judgement.ts';
import { DIR_OPTIONS, logsFolderOf, TRUST_OPTIONS, trustOf } from './log-options.ts';
import { readNamed } from './read-named.ts';
import { rangeThreads } from './range-threads.ts';
import { foldersBelow, readableLogs, type ReadLogs } from './readable-logs.ts';

/** How far a verification goes. */
const LEVELS = ['signature', 'tree', 'records'] as const;
type Level = (typeof LEVELS)[number];

/** `tallystick audit verify`: what the files of the logs prove. Offline; it writes nothing and asks nobody. */
export const verify = defineCommand({
  name: 'audit verify',
  summary: 'verify the logs: are the records those that were logged, and are they all there',
  options: {
    ...DIR_OPTIONS,
    ...TRUST_OPTIONS,
    consistency: {
      type: 'string',
      value: 'CHECKPOINT',
      doc: 'a signed head that you kept: the log must have grown from it',
    },
    seen: {
      type: 'string',
      value: 'TIME',
      doc: 'when you kept it, with its zone; then it shows completeness for a day',
    },
    level: {
      type: 'string',
      value: 'LEVEL',
      doc: 'signature, tree (every record and tile), or records (default: and what they say)',
    },
    ...JSON_OPTION,
  },
  run(invocation) {
    const { options, stdout, stderr, clock } = invocation;
    const level = levelOf(options.level);
    if (options.seen !== undefined && options.consistency === undefined) {
      throw new UsageError('--seen says when the head of --consistency was kept: give both');
    }
    const seenMs = options.seen === undefined ? undefined : parseInstant('--seen', options.seen);
    return judging(stderr, async () => {
      const dir = await logsFolderOf(invocation);
      const trust = trustOf(options, dir);
      const readFile = readableLogs(dir);
      const kept = options.consistency === undefined ? undefined : keptHead(options.consistency, trust.policy);
      const judges: SemanticRecordJudge[] = [];
      const report = await verifyLogFolder({
        readFile,
        listFolders: (path) => foldersBelow(dir, path),
        rangesOf: (path) =>
          level === 'signature' ? undefined : rangeThreads(join(dir, path), headOf(readFile, path)?.size ?? 0),
        policy: trust.policy,
        level: level === 'signature' ? 'signature' : 'full',
        nowMs: clock.nowMs(),
        ...(level === 'records' && {
          judgeOf(origin: string) {
            const judge = recordJudge(readFile, origin);
            judges.push(judge);
            return judge;
          },
        }),
        ...(kept && {
          fromOf: (path: string) =>
            path === kept.path
              ? { checkpoint: kept.checkpoint, ...(seenMs !== undefined && { timeMs: seenMs }) }
              : undefined,
        }),
      });
      if (kept && !report.logs.some(({ path }) => path === kept.path)) throw logGone(kept.path);
      const notes = judges.flatMap((judge) => judge.notes());
      const exit = exitCode(report, trust.source === 'folder');
      const whole = { dir, key: trust.source, level, ...report, notes: notes.slice(0, 1000) };
      stdout.write(options.json ? jsonText(whole) : describeReport(whole));
      return exit;
    });
  },
});

function levelOf(text = 'records'): Level {
  const level = LEVELS.find((each) => each === text);
  if (level) return level;
  throw new UsageError(`--level must be one of ${LEVELS.join(', ')}`);
}

/** A log that fits the key beside it shows nothing about who wrote it. */
function exitCode(report: LogFolderReport, keyOfFolder: boolean): 0 | 1 | 3 {
  const code = verifyExitCode(report);
  return code === VERIFY_EXIT.holds && keyOfFolder ? VERIFY_EXIT.not_shown : code;
}

/** Of a later shard, with what the one before says of its end. */
function recordJudge(readFile: ReadLogs, origin: string): SemanticRecordJudge {
  const place = parseOrigin(origin);
  if (!place || place.shard === 1) return createRecordJudge(origin);
  const before = { ...place, shard: place.shard - 1 };
  const previous = headOf(readFile, `${before.incarnation}/${before.shard}`);
  return createRecordJudge(origin, previous?.origin === formatOrigin(before) ? { previous } : {});
}

/** Returns what a head says; whether it may be believed is judged with the log. */
function headOf(readFile: ReadLogs, path: string): Head | undefined {
  const bytes = readFile(`${path}/checkpoint`);
  if (!bytes) return undefined;
  try {
    const { origin, size, root } = parseCheckpointBody(parseNote(bytes).text, 'refuse');
    return { origin, size, root: Buffer.from(root).toString('base64') };
  } catch (error) {
    if (TallystickError.is(error)) return undefined;
    throw error;
  }
}

/** Returns the head that was kept, and which log it is of. It is refused unless a trusted key has signed it. */
function keptHead(file: string, policy: TlogPolicy): { path: string; checkpoint: Buffer } {
  const checkpoint = readNamed(file);
  for (const { verifier } of policy.logs) {
    try {
      const { origin } = openCheckpoint(checkpoint, verifier, 'refuse');
      const place = parseOrigin(origin);
      if (place) return { path: `${place.incarnation}/${place.shard}`, checkpoint };
    } catch (error) {
      if (!TallystickError.is(error)) throw error;
    }
  }
  throw new TallystickError('log_invalid', `"${file}" is not a head that a trusted key has signed`, {
    remedy: 'name a signed checkpoint of one of these logs',
  });
}

function logGone(path: string): TallystickError {
  return new TallystickError('log_invalid', `the head that you kept is of the log ${path}, which is not there`, {
    remedy: 'restore that log from its replica: what was logged in it is missing here',
  });
}
