import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';

/**
 * Refuses a folder that still has the JSON lines of version 0.1, before anything in it is changed. They are evidence of
 * their time and no part of a log that is signed: nobody could vouch for them now.
 *
 * @throws {TallystickError} `state_unusable`
 */
export async function refuseEarlierRecord(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const found = names.filter((name) => /^records-\d{12}-[0-9A-Z]{26}\.jsonl$/.test(name)).sort();
  if (found.length === 0) return;
  const more = found.length === 1 ? '' : ` and ${found.length - 1} more`;
  throw new TallystickError(
    'state_unusable',
    `"${join(folder, found[0]!)}"${more} hold records of an earlier version, which are not signed and cannot be continued`,
    { remedy: `move "records-*.jsonl" out of "${folder}" and keep them as evidence of their time; then start again` },
  );
}
