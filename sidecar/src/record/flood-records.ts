import type { Registry } from '../authorize/registry.ts';
import { errorFields, type Log } from '../observe/log.ts';
import type { RefusalSummary, Suppression } from './flood.ts';
import type { Recorder, RecordInput } from './record.ts';

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
  const append = (input: RecordInput<'denied.suppressed'> | RecordInput<'refused.summary'>): void => {
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
    onRefused: ({ uid, counts, firstMs, lastMs }) =>
      append({
        type: 'refused.summary',
        ...envelope(),
        reason: null,
        body: { counts, first: new Date(firstMs).toISOString(), last: new Date(lastMs).toISOString(), uid },
      }),
  };
}
