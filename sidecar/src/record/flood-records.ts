import type { ErrorCode } from '@tallystick/core';
import type { Registry } from '../authorize/registry.ts';
import { errorFields, type Log } from '../observe/log.ts';
import type { RefusalSummary, Suppression } from './flood.ts';
import type { Recorder, RecordInput } from './record.ts';

/** Codes of callers that nobody recognised. All others refuse a request of one who was. */
const ATTESTATION: ReadonlySet<string> = new Set<ErrorCode>([
  'identity_ambiguous',
  'identity_mismatch',
  'identity_unknown',
  'peer_gone',
]);

/** Returns what records the ends of flood minutes. Nothing waits for these records: their answers have left. */
export function createFloodRecords(options: { recorder: Recorder; registry: () => Registry; log: Log }): {
  onSuppressed: (suppression: Suppression) => void;
  onRefused: (summary: RefusalSummary) => void;
} {
  const { recorder, registry, log } = options;
  const envelope = () => ({
    actor: 'sidecar',
    owner: null,
    process: null,
    registry: { root: registry().digest.root, entry: null },
    lease: null,
    outcome: 'denied' as const,
    trace: null,
  });
  type Counted = 'attest.summary' | 'denied.suppressed' | 'refused.summary';
  const append = (input: RecordInput<Counted>): void => {
    recorder.append(input).catch((error: unknown) => {
      log.error('refusals were not recorded', { type: input.type, ...errorFields(error) });
    });
  };
  return {
    onSuppressed: ({ uid, reason, count, firstMs, lastMs }) =>
      append({
        type: 'denied.suppressed',
        ...envelope(),
        reason,
        body: { count, first: new Date(firstMs).toISOString(), last: new Date(lastMs).toISOString(), reason, uid },
      }),
    onRefused({ uid, counts, firstMs, lastMs }) {
      const { attested = [], refused = [] } = Object.groupBy(Object.entries(counts), ([code]) =>
        ATTESTATION.has(code) ? 'attested' : 'refused',
      );
      const times = { first: new Date(firstMs).toISOString(), last: new Date(lastMs).toISOString() };
      const summarise = (type: 'attest.summary' | 'refused.summary', of: readonly [string, number][]): void => {
        if (of.length === 0) return;
        append({ type, ...envelope(), reason: null, body: { counts: Object.fromEntries(of), ...times, uid } });
      };
      summarise('attest.summary', attested);
      summarise('refused.summary', refused);
    },
  };
}
