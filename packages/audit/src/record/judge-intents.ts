import type { AuditRecord } from './record.ts';
import type { Place, Report } from './finding.ts';

/** An intent that nothing has answered for good. */
export interface OpenIntent {
  readonly id: string;
  readonly lease: string | null;
  readonly place: Place;
  /** True when something says that nobody knows what came of it. */
  readonly unresolved: boolean;
}

/** The most intents that are kept track of at once. */
export const MAX_OPEN_INTENTS = 100_000;
/** Answered intents whose release may still follow. */
const MAX_ANSWERED = 10_000;

/** Judges that an upstream makes nothing without an intent before it, and that every intent is answered. */
export interface IntentJudge {
  judge(record: AuditRecord, place: Place): void;
  /** Those that are open now, in the order of the log. */
  open(): OpenIntent[];
}

export function createIntentJudge(report: Report, maxOpen: number = MAX_OPEN_INTENTS): IntentJudge {
  const open = new Map<string, OpenIntent>();
  const answered = new Set<string>();
  let overflown = false;

  const add = (intent: OpenIntent): void => {
    if (open.size < maxOpen) {
      open.set(intent.id, intent);
      return;
    }
    if (!overflown) report('overflow', `more than ${maxOpen} intents are open at once`);
    overflown = true;
  };
  const answer = (id: string): void => {
    if (!open.delete(id)) return;
    answered.add(id);
    // Sets keep the order of insertion: the first one is the oldest.
    if (answered.size > MAX_ANSWERED) answered.delete(answered.values().next().value!);
  };
  const hasIntent = (id: string | null): id is string => id !== null && (open.has(id) || answered.has(id) || overflown);

  return {
    judge(record, place) {
      switch (record.type) {
        case 'log.carried':
          for (const { id, lease, time } of record.body.intents) {
            add({ id, lease, place: { ...place, id, time }, unresolved: false });
          }
          return;
        case 'credential.intent':
          add({ id: record.id, lease: record.lease, place, unresolved: false });
          return;
        case 'credential.outcome': {
          // What ends a lease makes nothing, and comes long after: its intent may be forgotten here, or in an earlier log.
          if (record.reason === 'ended') {
            if (record.corr !== null && record.outcome === 'success') answer(record.corr);
            return;
          }
          if (!hasIntent(record.corr)) report('without_intent', 'an outcome has no intent before it');
          else if (record.body.status === 'unknown' || record.body.status === 'unreachable') {
            const intent = open.get(record.corr);
            if (intent) open.set(record.corr, { ...intent, unresolved: true });
          } else answer(record.corr);
          return;
        }
        case 'credential.released':
        case 'credential.rotated': {
          const { source, provider } = record.body;
          // The sidecar's own issuer asks nobody.
          if (source === 'minted' && provider !== 'issuer' && !hasIntent(record.corr)) {
            report('without_intent', 'what an upstream made was handed out without an intent before it');
          }
          if (record.corr !== null) answer(record.corr);
          return;
        }
        default:
      }
    },
    open: () => [...open.values()],
  };
}
