import { readLeaf, recordOf, TILE_WIDTH, type Leaf } from '@tallystick/audit';
import { isUlid, printable, TallystickError } from '@tallystick/core';
import { UsageError } from '../command.ts';
import { bundleOf, type SignedLog } from './signed-log.ts';

/** A record, and the log that it is in. */
export interface FoundRecord {
  readonly log: SignedLog;
  readonly leaf: Leaf;
}

/**
 * Returns the record that `name` names: by its id, by its index where there is one log, or by
 * `<incarnation>/<shard>/<index>`.
 *
 * @throws {UsageError} It names none of these ways.
 * @throws {TallystickError} `log_invalid`: there is no such record.
 */
export function findRecord(logs: readonly SignedLog[], name: string): FoundRecord {
  if (isUlid(name)) return byId(logs, name);
  const [, path, digits] = /^(?:(\d+\/\d+)\/)?(\d{1,15})$/.exec(name) ?? [];
  if (digits === undefined) {
    throw new UsageError(`"${printable(name, 40)}" is neither the id of a record nor an index: 57, or 1/2/57`);
  }
  if (path === undefined && logs.length > 1) {
    const paths = logs.map((log) => `${log.path}/${digits}`).join(', ');
    throw new UsageError(`there are ${logs.length} logs: say which, as ${printable(paths, 200)}`);
  }
  const log = path === undefined ? logs[0] : logs.find((each) => each.path === path);
  const index = Number(digits);
  if (!log || index >= log.size) {
    const sizes = logs.map((each) => `${each.path} has ${each.size}`).join(', ');
    throw unknown(`there is no record ${name}: ${sizes}`);
  }
  const bytes = bundleOf(log, Math.floor(index / TILE_WIDTH))[index % TILE_WIDTH]!;
  return { log, leaf: readLeaf(log.origin, index, bytes) };
}

/** The newest log first: that is where people look. */
function byId(logs: readonly SignedLog[], id: string): FoundRecord {
  const member = Buffer.from(`"id":"${id}"`);
  for (const log of logs.toReversed()) {
    for (let bundle = Math.ceil(log.size / TILE_WIDTH) - 1; bundle >= 0; bundle -= 1) {
      for (const [i, bytes] of bundleOf(log, bundle).entries()) {
        if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(member)) continue;
        const leaf = readLeaf(log.origin, bundle * TILE_WIDTH + i, bytes);
        if (recordOf(leaf)?.id === id) return { log, leaf };
      }
    }
  }
  throw unknown(`no record has the id ${id}`);
}

function unknown(description: string): TallystickError {
  return new TallystickError('log_invalid', description, {
    remedy: 'list records with "tallystick audit log"; the newest ones are published within a second',
  });
}
