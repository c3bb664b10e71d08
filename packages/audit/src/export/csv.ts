import type { AuditRecord, ForeignRecord } from '../record/record.ts';
import { knownRecordOf, type Leaf } from '../record/leaf.ts';
import { linePlace, type ExportFormat } from './export-format.ts';
import { neutralText } from './neutral-text.ts';

type Cell = string | number | boolean | null | undefined;

/** The columns, and what each holds of a record. `origin` and `seq` come first: they are where the leaf stands. */
const COLUMNS: Readonly<Record<string, (leaf: Leaf, record: AuditRecord | ForeignRecord) => Cell>> = {
  origin: (_, { origin }) => origin,
  seq: (_, { seq }) => seq,
  id: (_, { id }) => id,
  time: (_, { time }) => time,
  type: (_, { type }) => type,
  outcome: (_, { outcome }) => outcome,
  reason: (_, { reason }) => reason,
  actor: (_, { actor }) => actor,
  subject: (leaf) => member(leaf, 'identity'),
  owner: (_, { owner }) => owner?.id,
  owner_accountable: (_, { owner }) => owner?.accountable,
  owner_backup: (_, { owner }) => owner?.backup,
  process_registered: (_, { process }) => process?.registered.join(' '),
  process_claimed: (_, { process }) => process?.claimed?.id,
  process_run_claimed: (_, { process }) => process?.claimed?.run,
  process_ticket_claimed: (_, { process }) => process?.claimed?.ticket,
  process_match: (_, { process }) => process?.match,
  lease: (_, { lease }) => lease,
  credential: (leaf) => member(leaf, 'name'),
  provider: (leaf) => member(leaf, 'provider'),
  audience: (leaf) => credentialOf(leaf)?.granted?.audience,
  scope: (leaf) => credentialOf(leaf)?.granted?.scope.join(' '),
  not_after: (leaf) => member(leaf, 'notAfter'),
  source: (leaf) => member(leaf, 'source'),
  operator_uid: (leaf) => operatorOf(leaf)?.uid,
  operator_login_uid: (leaf) => (operatorOf(leaf) ? (operatorOf(leaf)?.loginUid ?? 'unattributed') : null),
  corr: (_, { corr }) => corr,
  registry_root: (_, { registry }) => registry?.root,
  registry_entry: (_, { registry }) => registry?.entry,
  trace_id: (_, { trace }) => trace?.trace_id,
  leaf_hash: ({ hash }) => hash.toString('base64'),
};

/**
 * Comma-separated values (RFC 4180): every cell in quotes, nothing in it that a spreadsheet executes. What has no
 * column is in the leaf that `origin` and `seq` name.
 */
export const CSV: ExportFormat = {
  name: 'csv',
  header: Object.keys(COLUMNS).map(quoted).join(','),
  lineEnd: '\r\n',
  line: (leaf, record) =>
    Object.values(COLUMNS)
      .map((cell) => quoted(String(cell(leaf, record) ?? '')))
      .join(','),
  place(line) {
    const [, origin, seq] = /^"([^"]*)","(\d{1,16})"/.exec(line) ?? [];
    return linePlace(origin, Number(seq));
  },
};

function quoted(text: string): string {
  return `"${neutralText(text).replaceAll('"', '""')}"`;
}

function member(leaf: Leaf, name: string): Cell {
  const value = (knownRecordOf(leaf)?.body as Record<string, unknown> | undefined)?.[name];
  return typeof value === 'string' ? value : null;
}

function credentialOf(
  leaf: Leaf,
): { granted: { audience: string | null; scope: readonly string[] } | null } | undefined {
  const record = knownRecordOf(leaf);
  return record && 'granted' in record.body ? record.body : undefined;
}

function operatorOf(leaf: Leaf): { uid: number; loginUid: number | null } | null | undefined {
  const record = knownRecordOf(leaf);
  return record && 'operator' in record.body ? record.body.operator : undefined;
}
