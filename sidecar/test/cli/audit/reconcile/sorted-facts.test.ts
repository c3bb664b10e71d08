import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FACT_RANK, type LeaseFact } from '../../../../src/cli/audit/reconcile/facts.ts';
import { openSortedFacts } from '../../../../src/cli/audit/reconcile/sorted-facts.ts';
import { released, seen } from './facts.ts';

// Few of them, so that groups and tokens meet; and what a token may say.
const text = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.string({ minLength: 1, maxLength: 6, unit: 'binary' }));
const fact: fc.Arbitrary<LeaseFact> = fc.oneof(
  text.map((jti) => released({ jti })),
  text.map((jti) => seen({ jti })),
  fc.nat().map((atMs) => ({ kind: 'revoked' as const, atMs })),
  fc.constant({ kind: 'carried' as const }),
);

test('facts come back whole, lease by lease, and what is on record first', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, fact)), async (added) => {
      using facts = await openSortedFacts();
      for (const [group, each] of added) facts.add(group, each);
      const sorted = [...facts.inOrder()];
      const keys = (list: readonly (readonly [string, LeaseFact])[]): string[] =>
        list.map((each) => JSON.stringify(each));
      expect(keys(sorted.map((each) => [each.group, each.fact] as const)).sort()).toEqual(keys(added).sort());
      const done = new Set<string>();
      for (const [i, { group, fact: each }] of sorted.entries()) {
        const before = sorted[i - 1];
        if (before?.group === group) expect(FACT_RANK[each.kind]).toBeGreaterThanOrEqual(FACT_RANK[before.fact.kind]);
        else {
          expect(done.has(group)).toBe(false);
          if (before) done.add(before.group);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('receipts of one lease come back one token after another', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 3 }), async (jtis) => {
      using facts = await openSortedFacts();
      for (const jti of jtis) facts.add('ls_1', seen({ jti }));
      const sorted = [...facts.inOrder()].map(({ fact: each }) => each.kind === 'receipt' && each.receipt.jti);
      expect(sorted).toEqual(jtis.toSorted());
    }),
    { numRuns: 30 },
  );
});
