import type { Operator, BodyOf, Recorder, RecordRef } from './record.ts';

/** A read of the log, as the command that did it tells. */
export interface LogRead extends Omit<BodyOf<'log.read'>, 'operator'> {
  /** Records that were meant one by one. */
  readonly records: readonly { readonly id: string; readonly origin: string }[];
}

/** Evidence that was made of the log, as the command that made it tells. */
export type LogExport = Omit<BodyOf<'log.exported'>, 'operator'>;

/** Records who reads the log. Each is durable when it resolves: before what was read is shown. */
export interface ReadRecords {
  read(read: LogRead, operator: Operator): Promise<RecordRef>;
  exported(made: LogExport, operator: Operator): Promise<RecordRef>;
}

export function createReadRecords({ recorder }: { readonly recorder: Recorder }): ReadRecords {
  const envelope = (operator: Operator) => ({
    actor: 'operator',
    owner: null,
    process: null,
    registry: null,
    lease: null,
    outcome: 'success' as const,
    reason: operator.reason,
    trace: null,
  });
  return {
    read: ({ records, ...read }, operator) =>
      recorder.append({
        type: 'log.read',
        ...envelope(operator),
        refs: records.map(({ id, origin }) => ({ rel: 'read', id, origin })),
        body: { ...read, operator },
      }),
    exported: (made, operator) =>
      recorder.append({ type: 'log.exported', ...envelope(operator), body: { ...made, operator } }),
  };
}
