import {
  judgeCheckpoint,
  NO_QUORUM,
  parseManifest,
  verifyExport,
  VERIFY_EXIT,
  type ExportDifference,
  type ExportedLog,
  type ExportManifest,
  type Leaf,
} from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { jsonText } from '../ask-sidecar.ts';
import { defineCommand, EXIT, JSON_OPTION, UsageError } from '../command.ts';
import { MANIFEST } from './export.ts';
import { judging } from './judgement.ts';
import { DIR_OPTIONS, logsFolderOf, TRUST_OPTIONS, trustOf, type Trust } from './log-options.ts';
import { piecesOf, readNamed } from './read-named.ts';
import { firstLeaves, openSignedLogs, type SignedLog } from './signed-log.ts';

/** `tallystick audit verify-export`: makes an export again from the log, and says what differs. */
export const verifyExportedRecords = defineCommand({
  name: 'audit verify-export',
  summary: 'make an export again from the log, and name each line that is missing, added or changed',
  operands: 'FILE',
  options: {
    ...DIR_OPTIONS,
    ...TRUST_OPTIONS,
    manifest: { type: 'string', value: 'FILE', doc: `the manifest; else FILE${MANIFEST}` },
    ...JSON_OPTION,
  },
  run(invocation) {
    const { options, positionals, stdout, stderr } = invocation;
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0)
      throw new UsageError('name one export: tallystick audit verify-export FILE');
    return judging(stderr, async () => {
      const manifest = parseManifest(readNamed(options.manifest ?? `${file}${MANIFEST}`).toString('utf8'));
      const dir = await logsFolderOf(invocation);
      const trust = trustOf(options, dir);
      const logs = openSignedLogs(dir, trust);
      const differences = differencesOf(manifest, file, logs, trust);
      const holds = differences.length === 0;
      const verdict = holds ? 'holds' : 'fails';
      const { selected } = manifest;
      stdout.write(
        options.json
          ? jsonText({ verdict, key: trust.source, selected, differences })
          : [
              `${verdict}: ${selected} records${holds ? ' are what the log says, and all that it says' : ''}`,
              ...differences.map(describe),
            ]
              .map((line) => `${line}\n`)
              .join(''),
      );
      if (!holds) return VERIFY_EXIT.fails;
      return trust.source === 'folder' ? VERIFY_EXIT.not_shown : EXIT.ok;
    });
  },
});

function differencesOf(
  manifest: ExportManifest,
  file: string,
  logs: readonly SignedLog[],
  trust: Trust,
): readonly ExportDifference[] {
  const unsigned = manifest.logs.find((log) => !isSigned(log, trust));
  if (unsigned)
    return [{ code: 'log', detail: `the head of ${unsigned.origin} is not signed by a key that is trusted` }];
  const exported: { log: SignedLog; size: number }[] = [];
  for (const { origin, size } of manifest.logs) {
    const log = logs.find((each) => each.origin === origin);
    if (!log || log.size < size)
      return [{ code: 'log', detail: `the folder has not all ${size} records of ${origin}` }];
    exported.push({ log, size });
  }
  return verifyExport(manifest, piecesOf(file), leaves(exported));
}

/** True for a head whose signed checkpoint says the same, by a trusted key. */
function isSigned({ origin, size, root, checkpoint }: ExportedLog, { policy }: Trust): boolean {
  if (checkpoint === null) return false;
  try {
    const head = judgeCheckpoint(Buffer.from(checkpoint), { ...policy, quorum: NO_QUORUM }, 'refuse');
    return head.origin === origin && head.size === size && Buffer.from(head.root).toString('base64') === root;
  } catch (error) {
    if (TallystickError.is(error)) return false;
    throw error;
  }
}

function* leaves(logs: readonly { log: SignedLog; size: number }[]): Generator<Leaf> {
  for (const { log, size } of logs) yield* firstLeaves(log, size);
}

function describe(difference: ExportDifference): string {
  switch (difference.code) {
    case 'log':
      return `  the log: ${difference.detail}`;
    case 'manifest':
      return `  the manifest: "${difference.member}" is not what the log gives`;
    case 'encoding':
      return '  the file is not UTF-8';
    case 'start':
      return '  the file does not begin as its format does';
    case 'line_missing':
      return `  record ${difference.seq} of ${difference.origin} is missing`;
    case 'line_added':
      return `  line ${difference.line} is of no record that was asked for`;
    case 'line_changed':
      return `  line ${difference.line} is not what record ${difference.seq} of ${difference.origin} says`;
    default:
      return difference satisfies never;
  }
}
