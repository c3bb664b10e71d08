import { formatReceiptLine, type Receipt, type ReceiptMark } from '@tallystick/core';
import type { LeaseFact, ReleasedFact, SeenReceipt } from '../../../../src/cli/audit/reconcile/facts.ts';

export const AUDIENCE = 'https://ledger.acme.example';
export const ISSUER = 'https://tallystick.acme.example';
export const IDENTITY = 'spiffe://acme.example/payments/close-batch';
export const JKT = 'A'.repeat(43);
export const WRITER = '01KAMQ5Q6G0000000000000001';
/** 09:00; the logs of these tests go from 08:00 to 10:00. */
export const NINE: number = Date.parse('2026-11-22T09:00:00.000Z');
export const LOG_FROM: number = NINE - 3_600_000;
export const LOG_TO: number = NINE + 3_600_000;

export function instant(ms: number): string {
  return new Date(ms).toISOString();
}

/** An id of a lease that was made at `ms`. */
export function leaseAt(ms: number, end = '0'): string {
  let time = '';
  for (let rest = ms, i = 0; i < 10; i += 1) {
    time = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[rest % 32]! + time;
    rest = Math.floor(rest / 32);
  }
  return `ls_${time}${end.padStart(16, '0')}`;
}

export const LEASE: string = leaseAt(NINE);

/** A lease that was released at 09:00 for a quarter of an hour. */
export function released(parts: Partial<ReleasedFact> = {}): ReleasedFact {
  return {
    kind: 'released',
    jti: LEASE,
    identity: IDENTITY,
    credential: 'ledger-api',
    audience: AUDIENCE,
    jkt: JKT,
    shownJkt: JKT,
    atMs: NINE,
    endsMs: NINE + 900_000,
    record: '1/1/57',
    ...parts,
  };
}

/** A receipt of ten requests with it, from a minute on. */
export function receipt(parts: Partial<SeenReceipt> = {}): SeenReceipt {
  return {
    type: 'receipt',
    writer: WRITER,
    seq: 1,
    first: instant(NINE + 60_000),
    last: instant(NINE + 69_000),
    count: 10,
    verdict: 'accepted',
    reason: null,
    issuer: ISSUER,
    caller: IDENTITY,
    lease: LEASE,
    jti: LEASE,
    audience: AUDIENCE,
    jkt: JKT,
    method: 'POST',
    origin: AUDIENCE,
    ...parts,
  };
}

export function seen(parts: Partial<SeenReceipt> = {}): LeaseFact {
  return { kind: 'receipt', receipt: receipt(parts) };
}

export function mark(parts: Partial<ReceiptMark> = {}): ReceiptMark {
  const time = instant(NINE);
  return { type: 'mark', writer: WRITER, seq: 0, time, state: 'opened', audiences: [AUDIENCE], lost: 0, ...parts };
}

/** The text of a file of receipts by one run, whose lines are counted from `from`. */
export function receiptsFile(lines: readonly (Receipt | ReceiptMark)[], from = 0): string {
  return lines.map((line, i) => formatReceiptLine({ ...line, seq: from + i })).join('');
}
