import { RecordError } from './record-error.ts';
import { createCarriedJudge } from './judge-carried.ts';
import { createIntentJudge, MAX_OPEN_INTENTS, type OpenIntent } from './judge-intents.ts';
import { judgeLineage } from './judge-lineage.ts';
import { createOrderJudge } from './judge-order.ts';
import { createRegistryJudge } from './judge-registry.ts';
import { SEMANTIC_RULES, type SemanticFinding, type SemanticRule, type Place, type Report } from './finding.ts';
import type { Head } from './origin.ts';
import type { Leaf } from './leaf.ts';

/** The inputs of {@link createSemanticJudge}. */
export interface SemanticJudgeOptions {
  /** Takes each finding as soon as it is made. */
  readonly onFinding: (finding: SemanticFinding) => void;
  /** How far time may go back without a word about the clock, in milliseconds. */
  readonly toleranceMs?: number;
  /** The longest silence of a running writer, in milliseconds; its heartbeat is every 60 s. */
  readonly maxSilenceMs?: number;
  /** How long what was asked under a replaced registry may still be recorded, in milliseconds. */
  readonly registryGraceMs?: number;
  /** How long an upstream may take to answer before an intent at the end of the log counts as open. */
  readonly intentGraceMs?: number;
  /** What the verifier derived of the log before this one. */
  readonly previous?: Head;
  readonly maxOpenIntents?: number;
}

/** What a sequence of records came to. */
export interface SemanticVerdict {
  readonly leaves: number;
  /** How often each rule was found broken. */
  readonly findings: Readonly<Partial<Record<SemanticRule, number>>>;
  /** Intents without an answer at the end, whether or not that is a finding. */
  readonly openIntents: readonly OpenIntent[];
  /** True when nothing was found but notes. */
  readonly ok: boolean;
}

/** Judges what the records of one log mean together, one after another. */
export interface SemanticJudge {
  add(leaf: Leaf): void;
  /** Ends the judgement. Call it once. */
  finish(): SemanticVerdict;
}

/**
 * Returns a judge of the records of one log, from its first leaf or any later one. Its memory does not grow with the
 * log: it holds open intents, digests of identities and counters. It judges meaning alone; that the leaves are those
 * under a signed head is for the caller to have verified.
 */
export function createSemanticJudge(options: SemanticJudgeOptions): SemanticJudge {
  const { onFinding, toleranceMs = 2000, maxSilenceMs = 90_000, registryGraceMs = 10_000 } = options;
  const counts: Partial<Record<SemanticRule, number>> = {};
  let here: Place = { origin: '', seq: -1, id: null, time: null };
  let leaves = 0;
  let closed = false;
  let ended = -Infinity;

  const report: Report = (rule, detail, place = here) => {
    counts[rule] = (counts[rule] ?? 0) + 1;
    onFinding({ rule, ...place, detail });
  };
  const order = createOrderJudge({ toleranceMs, maxSilenceMs }, report);
  const carried = createCarriedJudge(report);
  const registry = createRegistryJudge(registryGraceMs, report);
  const intents = createIntentJudge(report, options.maxOpenIntents ?? MAX_OPEN_INTENTS);

  return {
    add(leaf) {
      const before = here.seq;
      const { content } = leaf;
      const record = content instanceof RecordError ? undefined : content.record;
      here = { origin: leaf.origin, seq: leaf.index, id: record?.id ?? null, time: record?.time ?? null };
      if (leaves > 0 && leaf.index !== before + 1) {
        report('seq_gap', `leaf ${leaf.index} comes after leaf ${before}`);
      }
      leaves += 1;
      if (content instanceof RecordError) {
        report('unreadable', content.description);
        return;
      }
      if (leaf.index === 0) judgeLineage(content, options.previous, report);
      order(content.record);
      ended = Math.max(ended, Date.parse(content.record.time));
      if (!content.known) {
        report('not_judged', 'a type or version of a later release: semantics not judged');
        return;
      }
      const { record: known } = content;
      if (known.type === 'log.shard_closed') closed = true;
      if ('late' in known.body && known.body.late) report('late', 'a right was taken away before this was recorded');
      carried(known);
      registry(known);
      intents.judge(known, here);
    },
    finish() {
      const openIntents = intents.open();
      const { intentGraceMs = 60_000 } = options;
      for (const { place, unresolved } of openIntents) {
        // The shard that follows carries what was open when this one was closed.
        if (closed || (place.time !== null && ended - Date.parse(place.time) <= intentGraceMs)) continue;
        if (unresolved) report('intent_unresolved', 'what the upstream did was not found out', place);
        else report('intent_open', 'nothing says what the upstream did', place);
      }
      const ok = Object.keys(counts).every((rule) => SEMANTIC_RULES[rule as SemanticRule] === 'note');
      return { leaves, findings: counts, openIntents, ok };
    },
  };
}
