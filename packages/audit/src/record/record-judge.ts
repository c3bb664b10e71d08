import type { RecordFinding, RecordJudge } from '../verify/record-judge.ts';
import { createSemanticJudge, type SemanticJudgeOptions } from './judge-records.ts';
import { SEMANTIC_RULES, type SemanticFinding } from './finding.ts';
import { readLeaf } from './leaf.ts';

/** The most findings that are kept; the first ones are. */
const MAX_FINDINGS = 1000;

/** The judge that a verifier of a log's folder shows each record to. */
export interface SemanticRecordJudge extends RecordJudge {
  /** What is worth knowing and speaks against nothing: late records, semantics that were not judged. */
  notes(): readonly SemanticFinding[];
}

/** Returns a judge of the records of the log of one origin, for {@link RecordJudge}'s caller. */
export function createRecordJudge(
  origin: string,
  options: Omit<SemanticJudgeOptions, 'onFinding'> = {},
): SemanticRecordJudge {
  const found: RecordFinding[] = [];
  const notes: SemanticFinding[] = [];
  const judge = createSemanticJudge({
    ...options,
    onFinding(finding) {
      const { rule, seq, detail } = finding;
      const verdict = SEMANTIC_RULES[rule];
      if (verdict === 'note') {
        if (notes.length < MAX_FINDINGS) notes.push(finding);
      } else if (found.length < MAX_FINDINGS) found.push({ verdict, rule, record: seq, detail });
    },
  });
  return {
    onRecord: (index, record) => judge.add(readLeaf(origin, index, record)),
    findings() {
      judge.finish();
      return found;
    },
    notes: () => notes,
  };
}
