import { leaseId, Secret, systemRandom } from '@tallystick/core';
import { parseUsageReport, formatUsageReport, USAGE_LIMITS } from '@tallystick/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HeldToken } from '../src/held-token.ts';
import { reportedUse, UsageLedger, type UseCount } from '../src/usage-ledger.ts';

/** A token with a lease of its own. */
function heldToken(): HeldToken {
  const id = leaseId({ nowMs: () => 0 }, systemRandom);
  return { credential: { leaseId: id, token: new Secret('t') } } as unknown as HeldToken;
}

/** Takes everything, in reports that every sidecar accepts. */
function takeAll(ledger: UsageLedger): UseCount[] {
  const all: UseCount[] = [];
  while (!ledger.isEmpty) {
    const uses = ledger.take();
    expect(uses.length).toBeGreaterThan(0);
    const report = { report: 0, final: false, uses: uses.map(reportedUse), tokens: [], logHead: undefined };
    expect(parseUsageReport(formatUsageReport(report))).toEqual(report);
    all.push(...uses);
  }
  return all;
}

test('no use is lost or counted twice, and every report is one that may be sent', () => {
  const tokens = Array.from({ length: 40 }, heldToken);
  const claim = fc.stringMatching(/^[ -~]{1,128}$/);
  const process = fc.option(fc.record({ id: claim, runId: claim, ticket: claim }, { requiredKeys: ['id'] }), {
    nil: undefined,
  });
  const use = fc.tuple(
    fc.nat(39),
    fc.constantFrom('https://a.example', 'http://b.example:8080'),
    process,
    fc.nat(1e12),
  );
  fc.assert(
    fc.property(fc.array(use, { maxLength: 300 }), (uses) => {
      const ledger = new UsageLedger();
      for (const [token, target, claimed, nowMs] of uses) ledger.count(tokens[token]!, target, claimed, nowMs);
      const counted = new Map<string, number>();
      const add = (key: unknown, by: number): void => {
        const text = JSON.stringify(key);
        counted.set(text, (counted.get(text) ?? 0) + by);
      };
      for (const [token, target, claimed] of uses) add([tokens[token]!.credential.leaseId, target, claimed], 1);
      for (const { held, target, process: of, count } of takeAll(ledger))
        add([held.credential.leaseId, target, of], -count);
      expect([...counted.values()].filter((left) => left !== 0)).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

test('uses of one kind are one count with the times of the first and the last', () => {
  const ledger = new UsageLedger();
  const held = heldToken();
  const run = { id: 'BP-1042', runId: '1' };
  ledger.count(held, 'https://a.example', run, 1000);
  ledger.count(held, 'https://b.example', run, 2000);
  ledger.count(held, 'https://a.example', { ...run }, 3000);
  expect(takeAll(ledger).map(reportedUse)).toEqual([
    {
      leaseId: held.credential.leaseId,
      target: 'https://a.example',
      count: 2,
      first: new Date(1000),
      last: new Date(3000),
      process: { id: 'BP-1042', run: '1', ticket: null },
    },
    expect.objectContaining({ target: 'https://b.example', count: 1 }),
  ]);
  ledger.count(held, 'https://a.example', run, 4000);
  expect(takeAll(ledger)).toMatchObject([{ count: 1, firstMs: 4000 }]);
});

test('a clock that is set back gives no use that ends before it began', () => {
  const ledger = new UsageLedger();
  const held = heldToken();
  ledger.count(held, 'https://a.example', undefined, 5000);
  ledger.count(held, 'https://a.example', undefined, 1000);
  expect(takeAll(ledger).map(reportedUse)).toMatchObject([{ first: new Date(1000), last: new Date(5000) }]);
});

test('a sidecar that is away for ever costs a bounded memory: of too many runs the counts are one', () => {
  const ledger = new UsageLedger();
  const held = heldToken();
  for (let i = 0; i < 10_000; i++) ledger.count(held, 'https://a.example', { id: 'BP-1', runId: String(i) }, i);
  const uses = takeAll(ledger);
  expect(uses.length).toBeLessThanOrEqual(2049);
  expect(uses.reduce((sum, { count }) => sum + count, 0)).toBe(10_000);
  expect(uses.at(-1)).toMatchObject({ process: undefined });
});

test('a report is of no more leases than one may be of', () => {
  const ledger = new UsageLedger();
  for (let i = 0; i < 20; i++) ledger.count(heldToken(), 'https://a.example', undefined, i);
  expect(ledger.take()).toHaveLength(USAGE_LIMITS.leases);
  expect(ledger.take()).toHaveLength(20 - USAGE_LIMITS.leases);
});
