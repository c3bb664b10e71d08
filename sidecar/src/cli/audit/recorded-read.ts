import { recordOf, type Leaf } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import type { LogExport, LogRead } from '../../record/read-records.ts';
import { createAdminClient } from '../admin-client.ts';
import { adminSocketOf } from '../ask-sidecar.ts';
import type { CONFIG_OPTION, Invocation } from '../command.ts';
import type { SignedLog } from './signed-log.ts';

/** `--reason`, for every command that reads records. */
export const READ_OPTIONS = {
  reason: { type: 'string', value: 'TEXT', doc: 'what for: it stands in the record of this read' },
} as const;

type Reader = Invocation<typeof CONFIG_OPTION & typeof READ_OPTIONS>;

/** As many records as a record may refer to. */
const MAX_NAMED = 64;

/**
 * Has the running sidecar record that its log is read. To be awaited before anything of it is shown.
 *
 * Where no sidecar can be told, as beside a copy of a log, a line on `stderr` says so: whoever may read the files can
 * read them, and a log that takes no records is one that has to be looked into.
 *
 * @param logs All that were read, the oldest first.
 * @throws {TallystickError} `invalid_request`: the sidecar refuses the reason.
 */
export function recordRead(
  reader: Reader,
  logs: readonly SignedLog[],
  read: Omit<LogRead, 'records'> & { readonly named?: readonly Leaf[] },
): Promise<void> {
  const { named = [], ...rest } = read;
  const records = named
    .slice(0, MAX_NAMED)
    .flatMap((leaf) => [recordOf(leaf)])
    .filter((record) => record !== undefined)
    .map(({ id, origin }) => ({ id, origin }));
  return tell(reader, logs, '/v1/audit/reads', { ...rest, records });
}

/** As {@link recordRead}, for evidence that was made of logs. */
export function recordExport(reader: Reader, logs: readonly SignedLog[], made: LogExport): Promise<void> {
  return tell(reader, logs, '/v1/audit/exports', { ...made });
}

async function tell(
  reader: Reader,
  logs: readonly SignedLog[],
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { reason } = reader.options;
  const why = await untold(reader, path, { ...body, origin: logs.at(-1)!.origin, ...(reason && { reason }) });
  if (why !== undefined) reader.stderr.write(`tallystick: this read is not on record: ${why}\n`);
}

/** Returns why nobody has recorded it; undefined where somebody has. */
async function untold(
  reader: Reader,
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  const socket = await adminSocketOf(reader);
  if (socket === undefined) return 'no configuration says which sidecar keeps this log';
  try {
    const answer = await createAdminClient(socket).post(path, body);
    return answer.record_id === null ? 'the sidecar here keeps another log' : undefined;
  } catch (error) {
    if (!TallystickError.is(error) || error.code === 'invalid_request') throw error;
    return error.description;
  }
}
