import { describe, expect, test } from 'vitest';
import { isLeaseId, ulidTimeMs } from '@tallystick/core';
import { EndedRights } from '../../../../src/cli/audit/reconcile/ended-rights.ts';
import type { LeaseFact } from '../../../../src/cli/audit/reconcile/facts.ts';
import type { Finding } from '../../../../src/cli/audit/reconcile/finding.ts';
import {
  createLeaseJudge,
  type Counts,
  type LeaseJudgeOptions,
  type UnseenLease,
} from '../../../../src/cli/audit/reconcile/judge-leases.ts';
import { instant, JKT, LEASE, leaseAt, LOG_FROM, LOG_TO, NINE, receipt, released, seen } from './facts.ts';

interface Judged {
  readonly counts: Readonly<Counts>;
  readonly findings: readonly Finding[];
  readonly unseen: readonly UnseenLease[];
}

/** Judges one lease by its facts, in the order of their ranks. */
function judged(facts: readonly LeaseFact[], options: Partial<LeaseJudgeOptions> = {}): Judged {
  const findings: Finding[] = [];
  const unseen: UnseenLease[] = [];
  const judge = createLeaseJudge({
    rights: new EndedRights(),
    watch: () => 'whole',
    logFromMs: LOG_FROM,
    logToMs: LOG_TO,
    toleranceMs: 10_000,
    madeMsOf: (lease) => (isLeaseId(lease) ? ulidTimeMs(lease.slice(3)) : undefined),
    isInPeriod: () => true,
    onFinding: (finding) => findings.push(finding),
    onUnseen: (lease) => unseen.push(lease),
    ...options,
  });
  judge.begin(LEASE);
  for (const fact of facts) judge.add(fact);
  judge.end();
  return { counts: judge.counts, findings, unseen };
}

const codes = ({ findings }: Judged): string[] => findings.map(({ code }) => code);
const at = (ms: number): { first: string; last: string } => ({ first: instant(ms), last: instant(ms) });
const refused = { verdict: 'invalid_token', reason: 'token_expired' };

describe('what was used', () => {
  test('with a lease on record, as it was released, is no finding', () => {
    const result = judged([released(), seen()]);
    expect(codes(result)).toEqual([]);
    expect(result.counts).toMatchObject({ usesRecorded: 10, released: 1, seen: 1, neverSeen: 0 });
  });

  test('of a token that was served again is one token, whose first release counts', () => {
    const again = released({ atMs: NINE + 600_000, record: '1/1/90' });
    const result = judged([again, released(), again, seen()]);
    expect(codes(result)).toEqual([]);
    expect(result.counts).toMatchObject({ released: 1, seen: 1 });
    const stolen = judged([again, released(), again, seen({ jkt: 'B'.repeat(43) })]);
    expect(stolen.findings.map(({ record }) => record)).toEqual(['1/1/57']);
  });

  test('without a record is a finding, one for all receipts of a token', () => {
    const result = judged([seen(), seen({ ...at(NINE + 300_000), count: 5 }), seen({ jti: 'other' })]);
    expect(codes(result)).toEqual(['used_without_record', 'used_without_record']);
    expect(result.findings[0]).toMatchObject({
      jti: LEASE,
      count: 15,
      first: instant(NINE + 60_000),
      last: instant(NINE + 300_000),
      record: null,
    });
  });

  test('under a lease on record by another token is without a record', () => {
    expect(codes(judged([released(), seen({ jti: 'forged' })]))).toEqual(['used_without_record']);
  });

  test('by a signed token without a record is a finding also where the API refused it', () => {
    const result = judged([seen(refused)]);
    expect(codes(result)).toEqual(['shown_without_record']);
    expect(judged([released(), seen(refused)]).findings).toEqual([]);
  });

  test.each([
    ['identity_differs', { caller: 'spiffe://acme.example/payments/report' }],
    ['audience_differs', { audience: 'https://else.acme.example' }],
    ['key_differs', { jkt: 'B'.repeat(43) }],
    ['key_differs', { jkt: null }],
  ])('otherwise than the record names is a finding: %s', (code, parts) => {
    const result = judged([released(), seen(parts)]);
    expect(codes(result)).toEqual([code]);
    expect(result.findings[0]!.record).toBe('1/1/57');
    // A refused request has taken nothing.
    expect(codes(judged([released(), seen({ ...parts, ...refused })]))).toEqual([]);
  });

  test('of a token that is bound to a certificate, which shows no key, is as the record says it', () => {
    const bound = released({ shownJkt: null });
    expect(codes(judged([bound, seen({ jkt: null })]))).toEqual([]);
    expect(codes(judged([bound, seen()]))).toEqual(['key_differs']);
  });

  test('after its time is a finding, but for clocks that differ', () => {
    const endsMs = NINE + 900_000;
    expect(codes(judged([released(), seen(at(endsMs + 10_000))]))).toEqual([]);
    expect(judged([released(), seen(at(endsMs + 10_001))]).findings).toMatchObject([
      { code: 'used_after_end', recorded: instant(endsMs) },
    ]);
  });

  test('after its lease was revoked is a finding, and before it is none', () => {
    const revoked: LeaseFact = { kind: 'revoked', atMs: NINE + 120_000 };
    expect(codes(judged([released(), revoked, seen()]))).toEqual([]);
    expect(codes(judged([released(), revoked, seen(at(NINE + 130_001))]))).toEqual(['used_after_revocation']);
    expect(codes(judged([released(), revoked, seen({ ...at(NINE + 130_001), ...refused })]))).toEqual([]);
  });

  test.each([
    ['before the log begins', at(LOG_FROM - 1), 'usesOlder'],
    ['when the log has ended', at(LOG_TO - 9_999), 'usesNewer'],
  ] as const)('%s cannot be on record: it is counted, and no finding', (_, parts, count) => {
    const result = judged([seen(parts)]);
    expect(codes(result)).toEqual([]);
    expect(result.counts[count]).toBe(10);
  });

  test('by a lease from before the log is no finding for as long as a token lives, and then it is', () => {
    const lease = leaseAt(LOG_FROM - 1000);
    const day = LOG_FROM + 86_400_000;
    const long = { logToMs: day + 3_600_000 };
    expect(judged([seen({ lease, jti: lease, ...at(day - 1) })], long).counts.usesOlder).toBe(10);
    expect(codes(judged([seen({ lease, jti: lease, ...at(day) })], long))).toEqual(['used_without_record']);
  });

  test('by a lease that the log carried over is no finding', () => {
    const result = judged([{ kind: 'carried' }, seen()]);
    expect(codes(result)).toEqual([]);
    expect(result.counts.usesCarried).toBe(10);
  });
});

describe('what was released', () => {
  test('and never seen is listed, where the API was watched until the lease ended', () => {
    const asked: unknown[] = [];
    const result = judged([released()], {
      watch(...question) {
        asked.push(question);
        return 'whole';
      },
    });
    expect(asked).toEqual([['https://ledger.acme.example', NINE, NINE + 900_000]]);
    expect(result.counts.neverSeen).toBe(1);
    expect(result.unseen).toMatchObject([{ lease: LEASE, credential: 'ledger-api', record: '1/1/57' }]);
  });

  test('and ended early has to be watched until then alone', () => {
    const asked: number[] = [];
    judged([released(), { kind: 'revoked', atMs: NINE + 5_000 }], {
      watch(_, from, to) {
        asked.push(from, to);
        return 'whole';
      },
    });
    expect(asked).toEqual([NINE, NINE + 5_000]);
  });

  test.each([
    ['begun', 'notSeenYet'],
    ['not', 'notWatched'],
  ] as const)('and not seen says nothing where the API was not watched: %s', (answer, count) => {
    const result = judged([released()], { watch: () => answer });
    expect(result.counts).toMatchObject({ neverSeen: 0, [count]: 1 });
    expect(result.unseen).toEqual([]);
  });

  test('and shown, if only to be refused, was seen', () => {
    expect(judged([released(), seen(refused)]).counts).toMatchObject({ seen: 1, neverSeen: 0 });
  });

  test('and did not leave was not delivered, unless another release of it did', () => {
    const undelivered: LeaseFact = { kind: 'undelivered' };
    expect(judged([released(), undelivered]).counts).toMatchObject({ undelivered: 1, neverSeen: 0 });
    expect(judged([released(), released(), undelivered]).counts).toMatchObject({ undelivered: 0, neverSeen: 1 });
  });

  test('outside of the period is not counted, and what was used of it is judged still', () => {
    const result = judged([released(), seen({ jkt: 'B'.repeat(43) })], { isInPeriod: () => false });
    expect(result.counts).toMatchObject({ released: 0, usesRecorded: 10 });
    expect(codes(result)).toEqual(['key_differs']);
  });
});

test('use by the word of the workload is compared with what an API has seen', () => {
  const reported: LeaseFact = { kind: 'reported', count: 12 };
  expect(judged([released(), reported, seen()]).counts).toMatchObject({ reportedUses: 12, reportedAndSeen: 1 });
  expect(judged([released(), reported]).counts).toMatchObject({ reportedUses: 12, reportedUnseen: 1 });
  expect(judged([released(), seen()]).counts).toMatchObject({ reportedUses: 0, seenUnreported: 1 });
});

test('a lease says nothing about the next one', () => {
  const findings: Finding[] = [];
  const judge = createLeaseJudge({
    rights: new EndedRights(),
    watch: () => 'whole',
    logFromMs: LOG_FROM,
    logToMs: LOG_TO,
    toleranceMs: 10_000,
    madeMsOf: () => undefined,
    isInPeriod: () => true,
    onFinding: (finding) => findings.push(finding),
    onUnseen: () => {},
  });
  judge.begin(LEASE);
  const first: LeaseFact[] = [
    { kind: 'carried' },
    released(),
    { kind: 'revoked', atMs: 0 },
    { kind: 'reported', count: 1 },
  ];
  for (const fact of first) judge.add(fact);
  judge.end();
  judge.begin('another');
  judge.add({ kind: 'receipt', receipt: { ...receipt(), lease: 'another', jkt: JKT } });
  judge.end();
  judge.begin('third');
  for (const fact of [released(), seen({ lease: 'third' })]) judge.add(fact);
  judge.end();
  expect(findings.map(({ code, lease }) => [code, lease])).toEqual([['used_without_record', 'another']]);
  expect(judge.counts).toMatchObject({ reportedAndSeen: 0, reportedUnseen: 1, seenUnreported: 1 });
});
