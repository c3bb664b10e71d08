import type { ErrorCode, IdentityObject } from '@tallystick/core';
import type { Registry } from '../authorize/registry.ts';
import { errorFields, type Log } from '../observe/log.ts';
import type { LateRecords } from './late-records.ts';
import type { Operator, Recorder, RecordRef } from './record.ts';

/** Records what operators do. */
export interface OperatorRecords {
  /** Not waited for: a suspension holds without its record. */
  suspended(identity: IdentityObject, operator: Operator): void;
  /** Durable when it resolves. */
  resumed(identity: IdentityObject, operator: Operator): Promise<RecordRef>;
  /** Durable when it resolves. */
  keyRotated(kid: string, previous: string, operator: Operator | null): Promise<RecordRef>;
  /** That a command was refused, or failed: durable when it resolves. */
  refused(command: string, target: string | null, code: ErrorCode, operator: Operator): Promise<RecordRef>;
}

export function createOperatorRecords(options: {
  recorder: Recorder;
  late: LateRecords;
  registry: () => Registry;
  log: Log;
}): OperatorRecords {
  const { recorder, late, registry, log } = options;
  const about = (identity: IdentityObject | undefined) => ({
    actor: 'operator',
    owner: identity?.owner ?? null,
    process: null,
    registry: {
      root: registry().digest.root,
      entry: identity ? (registry().digest.entries.get(identity.id) ?? null) : null,
    },
    lease: null,
    outcome: 'success' as const,
    trace: null,
  });
  return {
    suspended(identity, operator) {
      const body = { change: null, identity: identity.id, object: identity, operator };
      late
        .append({ type: 'identity.suspended', ...about(identity), reason: operator.reason, body })
        .catch((error: unknown) => {
          log.error('an identity was suspended without a record', { identity: identity.id, ...errorFields(error) });
        });
    },
    resumed: (identity, operator) =>
      recorder.append({
        type: 'identity.resumed',
        ...about(identity),
        reason: operator.reason,
        body: { change: null, identity: identity.id, object: identity, operator },
      }),
    keyRotated: (kid, previous, operator) =>
      recorder.append({
        type: 'issuer.key_rotated',
        ...about(undefined),
        actor: operator ? 'operator' : 'sidecar',
        reason: operator?.reason ?? 'schedule',
        body: { kid, operator, previous },
      }),
    refused: (command, target, code, operator) =>
      recorder.append({
        type: 'admin.action',
        ...about(undefined),
        outcome: 'failed',
        reason: code,
        body: { command, operator, target },
      }),
  };
}
