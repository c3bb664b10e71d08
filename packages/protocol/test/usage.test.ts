import { leaseId, systemRandom } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatUsageReceipt,
  formatUsageReport,
  parseUsageReceipt,
  parseUsageReport,
  USAGE_LIMITS,
  type UsageReport,
} from '../src/index.ts';
import { refusal } from './throws.ts';

const LEASE = leaseId({ nowMs: () => 1_763_812_800_000 }, systemRandom);
const USE = {
  lease: LEASE,
  count: 3,
  first: '2026-11-22T12:00:00.000Z',
  last: '2026-11-22T12:00:30.000Z',
  target: 'https://ledger.acme.example',
  process: { id: 'BP-1042', run: '2026-11', ticket: null },
};
const REPORT = { report: 0, final: false, uses: [USE] };
const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln';
const text = (members: object): string => JSON.stringify({ ...REPORT, ...members });
const used = (members: object): string => text({ uses: [{ ...USE, ...members }] });

const claim = fc.stringMatching(/^[ -~]{1,128}$/);
const instant = fc.date({ min: new Date(0), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true });
const use = fc
  .record({
    leaseId: fc.constant(LEASE),
    count: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    between: fc.tuple(instant, instant),
    target: fc.webUrl().map((url) => new URL(url).origin),
    process: fc.option(fc.record({ id: claim, run: fc.option(claim), ticket: fc.option(claim) })),
  })
  .map(({ between, ...rest }) => {
    const [first, last] = between.toSorted((a, b) => a.getTime() - b.getTime());
    return { ...rest, first: first!, last: last! };
  });
const report: fc.Arbitrary<UsageReport> = fc.record({
  report: fc.maxSafeNat(),
  final: fc.boolean(),
  uses: fc.array(use, { minLength: 1, maxLength: 8 }),
  tokens: fc.array(fc.constant(JWT), { maxLength: 3 }),
  logHead: fc.option(claim, { nil: undefined }),
});

describe('usage report', () => {
  test('what is formatted is parsed as the same', () => {
    fc.assert(
      fc.property(report, (each) => {
        expect(parseUsageReport(formatUsageReport(each))).toEqual(each);
      }),
    );
  });

  test('unknown members are ignored; what is not claimed is null; the final one may have no uses', () => {
    expect(parseUsageReport(text({ later: 1, uses: [{ ...USE, process: undefined, bytes: 9 }] })).uses).toEqual([
      {
        leaseId: LEASE,
        count: 3,
        first: new Date(USE.first),
        last: new Date(USE.last),
        target: USE.target,
        process: null,
      },
    ]);
    expect(parseUsageReport(text({ final: true, uses: [] }))).toMatchObject({ final: true, uses: [], tokens: [] });
  });

  test.each([
    ['no JSON', 'report=0'],
    ['no object', '[]'],
    ['no number', text({ report: undefined })],
    ['a number as text', text({ report: '0' })],
    ['a negative number', text({ report: -1 })],
    ['half a number', text({ report: 0.5 })],
    ['a number that is not exact', text({ report: 2 ** 53 })],
    ['no word on being final', text({ final: undefined })],
    ['no uses', text({ uses: undefined })],
    ['nothing to report', text({ uses: [] })],
    ['more uses than one has', text({ uses: Array.from({ length: USAGE_LIMITS.uses + 1 }, () => USE) })],
    [
      'more leases than one has',
      text({
        uses: Array.from({ length: USAGE_LIMITS.leases + 1 }, () => ({
          ...USE,
          lease: leaseId({ nowMs: () => 0 }, systemRandom),
        })),
      }),
    ],
    [
      'longer uses than one has',
      text({
        uses: Array.from({ length: 60 }, () => ({
          ...USE,
          process: { id: 'x'.repeat(128), run: 'y'.repeat(128), ticket: 'z'.repeat(128) },
        })),
      }),
    ],
    ['no lease', used({ lease: undefined })],
    ['a lease that is none', used({ lease: 'ls_1' })],
    ['no count', used({ count: 0 })],
    ['a count that is none', used({ count: 1.5 })],
    ['a time that is none', used({ first: 'yesterday' })],
    ['the last use before the first', used({ last: '2026-11-22T11:59:59.999Z' })],
    ['a path in the target', used({ target: 'https://ledger.acme.example/journal' })],
    ['a slash after the target', used({ target: 'https://ledger.acme.example/' })],
    ['a query in the target', used({ target: 'https://ledger.acme.example?token=x' })],
    ['user information in the target', used({ target: 'https://me:x@ledger.acme.example' })],
    ['another scheme', used({ target: 'ftp://ledger.acme.example' })],
    ['a target in capitals', used({ target: 'https://LEDGER.acme.example' })],
    ['a target that is none', used({ target: 'null' })],
    ['a target that is too long', used({ target: `https://${'a.'.repeat(150)}example` })],
    ['a process that is none', used({ process: 'BP-1042' })],
    ['a process without an id', used({ process: { run: '1' } })],
    ['a run with a newline', used({ process: { id: 'BP-1042', run: 'a\nb' } })],
    ['a token that is none', text({ tokens: ['opaque'] })],
    ['more tokens than leases', text({ tokens: Array.from({ length: USAGE_LIMITS.leases + 1 }, () => JWT) })],
    ['a head that is no text', text({ log_head: 1 })],
    ['a head that is too long', text({ log_head: 'x'.repeat(2049) })],
  ])('one with %s is refused', (_fault, body) => {
    expect(refusal(() => parseUsageReport(body))).toBe('invalid_request');
  });

  test('any text is parsed or gives invalid_request, nothing else', () => {
    const like = fc
      .record({ report: fc.jsonValue(), final: fc.boolean(), uses: fc.jsonValue(), tokens: fc.jsonValue() })
      .map((members) => JSON.stringify(members));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), like), (body) => {
        expect([undefined, 'invalid_request']).toContain(refusal(() => parseUsageReport(body)));
      }),
    );
  });

  test('a refusal repeats nothing of what was read', () => {
    for (const body of [used({ target: 'https://x.example/s3cr3t' }), text({ tokens: ['s3cr3t'] }), '"s3cr3t']) {
      expect(() => parseUsageReport(body)).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining('s3cr3t') as string }),
      );
    }
  });
});

describe('usage receipt', () => {
  test('what is formatted is parsed as the same, and unknown members are ignored', () => {
    const receipt = { report: 7, recordId: '01KAMZ3CT000000000000000AA', logHead: 'head' };
    expect(parseUsageReceipt(JSON.stringify({ ...formatUsageReceipt(receipt), later: 1 }))).toEqual(receipt);
    const silent = { ...receipt, logHead: undefined };
    expect(parseUsageReceipt(JSON.stringify(formatUsageReceipt(silent)))).toEqual(silent);
  });

  test.each([
    '',
    '[]',
    '{}',
    '{"report":1}',
    '{"report":"1","record_id":"x"}',
    '{"report":1,"record_id":"x","log_head":1}',
  ])('%s is refused', (body) => {
    expect(refusal(() => parseUsageReceipt(body))).toBe('protocol_error');
  });
});
