import { neutralText, type LogFolderReport, type SemanticFinding, type VerdictWord } from '@tallystick/audit';
import { table } from '../table.ts';
import type { Trust } from './log-options.ts';

/** What `audit verify` says of a folder of logs. */
export interface WholeReport extends LogFolderReport {
  readonly dir: string;
  readonly key: Trust['source'];
  readonly level: string;
  readonly notes: readonly SemanticFinding[];
}

/** Findings of one verdict of one log that a person reads; `--json` has up to 1,000 of them. */
const FINDINGS_SHOWN = 20;

const KEY_IS_FROM: Readonly<Record<Trust['source'], readonly string[]>> = {
  policy: ['key           of the trust policy'],
  vkey: ['key           as given'],
  folder: [
    'key           of the folder itself',
    '  whoever can write the log can write that key: this shows that the log fits its own key, not whose log it is',
    '  give the key that you were told of, with --policy or --vkey',
  ],
};

/** Returns the report as a person reads it. */
export function describeReport(report: WholeReport): string {
  const { dir, key, logs, integrity, completeness, notes } = report;
  const lines = [
    ...table(
      ['log', 'origin', 'records', 'integrity', 'completeness', 'anchored', 'rollback'],
      logs.map((log) => [
        log.path,
        log.head ? neutralText(log.head.origin) : 'refused',
        String(log.head?.size ?? '-'),
        word(log.integrity.verdict),
        word(log.completeness.verdict),
        log.anchor ? `at ${log.anchor.size}` : 'never',
        log.rollback,
      ]),
    ),
    '',
    `folder        ${dir}`,
    ...KEY_IS_FROM[key],
    '',
    `integrity     ${word(integrity.verdict)}${integrity.verdict === 'holds' ? ': every record is the one that was logged' : ''}`,
    ...logs.flatMap((log) => findings(log.path, log.integrity)),
    ...findings('', integrity),
    `completeness  ${word(completeness.verdict)}${completeness.verdict === 'holds' ? ': none is missing' : ''}`,
    ...logs.flatMap((log) => findings(log.path, log.completeness)),
    ...findings('', completeness),
  ];
  if (notes.length > 0) {
    lines.push(`notes         ${notes.length}, held against neither`);
    lines.push(...shown(notes.map((note) => `${note.origin} record ${note.seq}: ${note.detail} (${note.rule})`)));
  }
  return `${lines.join('\n')}\n`;
}

function word(verdict: VerdictWord): string {
  return verdict === 'not_shown' ? 'not shown' : verdict;
}

function findings(path: string, { findings: found, count }: LogFolderReport['integrity' | 'completeness']): string[] {
  const lines = found.map(({ code, file, record, detail, rule, fault }) => {
    const place = [path, file].filter(Boolean).join('/');
    const about = record === undefined ? '' : ` record ${record}`;
    return `${place}${about}: ${detail} (${[code, rule ?? fault].filter(Boolean).join(', ')})`;
  });
  return shown(lines, count);
}

function shown(lines: readonly string[], count = lines.length): string[] {
  const rest = count - Math.min(lines.length, FINDINGS_SHOWN);
  const first = lines.slice(0, FINDINGS_SHOWN).map((line) => `  ${neutralText(line)}`);
  return rest > 0 ? [...first, `  … and ${rest} more`] : first;
}
