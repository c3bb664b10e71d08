import { neutralText } from '@tallystick/audit';
import { table } from '../../table.ts';
import type { Figure, FigureName } from './figures.ts';
import type { Finding, FindingCode } from './finding.ts';
import type { NotShown, Reconciliation } from './report.ts';

/** Findings and leases that a person reads; `--json` has up to 1,000 of each. */
const SHOWN = 20;

const FINDINGS: Readonly<Record<FindingCode, string>> = {
  used_without_record: 'was accepted, and no record says that it was released',
  shown_without_record: 'was refused though its signature is good, and no record says that it was released',
  identity_differs: 'was accepted for another identity than the record names',
  audience_differs: 'was accepted for another audience than the record names',
  key_differs: 'was accepted with another key than the record names',
  used_after_revocation: 'was accepted after it was revoked',
  used_after_suspension: 'was accepted after its identity was suspended',
  used_after_end: 'was accepted after its end',
};

const FIGURES: Readonly<Record<FigureName, string>> = {
  requests_accepted: 'requests accepted',
  uses_recorded: '  of leases on record',
  uses_from_before: '  of leases from before this log',
  uses_newer: '  after the end of this log',
  uses_without_record: '  without a record',
  requests_refused: 'requests refused',
  tokens_released: 'tokens released',
  tokens_seen: '  seen by an API',
  tokens_never_seen: '  never seen, by an API that was watched',
  tokens_not_seen_yet: '  not seen yet',
  tokens_not_watched: '  for an API or a time without receipts',
  tokens_undelivered: '  not delivered',
  releases_without_receipts: 'releases of what leaves no receipts',
  uses_reported: 'uses reported by workloads',
  leases_reported_and_seen: '  leases reported, and seen by an API',
  leases_reported_only: '  leases reported alone',
  leases_seen_only: '  leases seen by an API alone',
  denied: 'identities denied, by what they asked for',
  denied_came: '  came to the API nonetheless',
  denied_never_tried: '  never tried',
};

const NOT_SHOWN: Readonly<Record<NotShown, string>> = {
  key_of_folder: 'the key is that of the folder itself: give the one that you were told of, with --policy or --vkey',
  log_not_judged: 'records of a later release, or none at all, were passed over: run "tallystick audit verify"',
  no_receipts: 'there is no receipt to compare',
  receipts_lost: 'an API says that it could not write some receipts',
  receipts_missing: 'lines of receipts are missing, or a file was given twice',
  receipts_unreadable: 'lines of the receipts cannot be read',
  uses_newer: 'some requests are younger than the log: copy the log again, after the receipts',
  uses_older: 'some requests are of tokens from before the log: give the folder with the older logs',
};

/** Returns the report as a person reads it. */
export function describeReconciliation(report: Reconciliation): string {
  const { dir, log, receipts, figures, findings, findingCount, neverSeen, notShown, verdict } = report;
  const lines = [
    `log           ${dir}, ${log.records} records${period(log)}`,
    `receipts      ${receipts.files} files, ${receipts.lines} lines of ${receipts.runs} runs${period(receipts)}`,
    `              for ${receipts.audiences.join(', ') || 'nobody'}`,
  ];
  if (receipts.otherIssuers > 0)
    lines.push(`              ${receipts.otherIssuers} requests of other issuers, not judged`);
  if (receipts.torn > 0) lines.push(`              ${receipts.torn} files end in the middle of a line`);
  lines.push(
    '',
    ...table(
      ['figure', 'count', 'grade'],
      figures.flatMap((figure) => rows(figure, report)),
    ),
  );
  lines.push('', `${verdict === 'not_shown' ? 'not shown' : verdict}: ${SAYS[verdict]}`);
  lines.push(...notShown.map((reason) => `  ${NOT_SHOWN[reason]}`), ...listed(receipts.faults, receipts.unreadable));
  lines.push(...listed(findings.map(describeFinding), findingCount));
  if (neverSeen.length > 0) {
    lines.push('', 'released, and never seen:');
    const leases = neverSeen.map(({ lease, identity, credential, released, record }) => {
      return `${lease} ${identity} ${credential ?? '—'}, ${released}, record ${record}`;
    });
    lines.push(...listed(leases, figures.find(({ figure }) => figure === 'tokens_never_seen')!.count));
  }
  lines.push('', 'A figure that is "reported" is the word of the workload: nobody should lose a right by it.');
  return `${lines.map(neutralText).join('\n')}\n`;
}

/** Refusals are followed by their codes. */
function rows({ figure, count, grade }: Figure, { refused }: Reconciliation): string[][] {
  const codes = figure === 'requests_refused' ? Object.entries(refused) : [];
  return [[FIGURES[figure], String(count), grade], ...codes.map(([code, of]) => [`  ${code}`, String(of), grade])];
}

const SAYS: Readonly<Record<Reconciliation['verdict'], string>> = {
  holds: 'all that the receipts tell of is on record, and was used as it was released',
  fails: 'what was used is not what the record says',
  not_shown: 'nothing contradicts the record, and not all could be compared',
};

function period({ from, to }: { readonly from: string | null; readonly to: string | null }): string {
  return from === null ? '' : `, ${from} to ${to}`;
}

function describeFinding(finding: Finding): string {
  const { code, lease, jti, issuer, caller, count, first, last, recorded, record } = finding;
  const about = lease === null || lease === jti ? jti : `${lease} (${jti})`;
  const says = recorded === null ? '' : `: ${recorded}`;
  const place = record === null ? '' : `, record ${record}`;
  return `${about} of ${caller}, by ${issuer}, ${FINDINGS[code]}${says}; ${count} requests, ${first} to ${last}${place} (${code})`;
}

function listed(lines: readonly string[], count: number): string[] {
  const first = lines.slice(0, SHOWN).map((line) => `  ${line}`);
  return count > first.length ? [...first, `  … and ${count - first.length} more`] : first;
}
