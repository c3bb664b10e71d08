import { createSemanticJudge, type Leaf, type SemanticJudgeOptions, type SemanticFinding } from '../../src/index.ts';

/** Returns what a judge finds in the leaves. */
export function judged(
  leaves: Iterable<Leaf>,
  options: Partial<SemanticJudgeOptions> = {},
): {
  findings: SemanticFinding[];
  rules: string[];
  ok: boolean;
  openIntents: number;
} {
  const findings: SemanticFinding[] = [];
  const judge = createSemanticJudge({ ...options, onFinding: (finding) => findings.push(finding) });
  for (const leaf of leaves) judge.add(leaf);
  const { ok, openIntents } = judge.finish();
  return { findings, rules: findings.map(({ rule }) => rule), ok, openIntents: openIntents.length };
}
