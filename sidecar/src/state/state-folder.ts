import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isUlid, TallystickError, ulid, type Clock, type Random } from '@tallystick/core';
import { syncFolder } from './sync-folder.ts';
import { readStateFile, writeStateFile } from './state-file.ts';

/** The layout of state folders that this version reads and writes. Since 2 the record is a log, not JSON lines. */
export const STATE_FORMAT = 2;

/**
 * Makes a state folder ready: there, written by nobody but us and root, of a format we know.
 *
 * @throws {TallystickError} `state_unusable`, `state_newer`
 */
export async function prepareStateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { mode, uid } = await stat(folder);
    if ((mode & 0o022) !== 0 || (uid !== process.geteuid?.() && uid !== 0)) {
      throw new TallystickError('state_unusable', `the state folder "${folder}" can be written by others`, {
        remedy: `chown it to the sidecar's user and chmod 0700`,
      });
    }
    const path = join(folder, 'FORMAT');
    const format = await readFormat(path);
    if (format === undefined || format < STATE_FORMAT) {
      // Under another name first: a start that is killed here must not leave an empty one that refuses the next.
      await writeFile(`${path}.new`, `tallystick-state ${STATE_FORMAT}\n`, { mode: 0o600, flush: true });
      await rename(`${path}.new`, path);
      await syncFolder(folder);
    } else if (format > STATE_FORMAT) {
      throw new TallystickError(
        'state_newer',
        `"${folder}" has format ${format}, and this version knows ${STATE_FORMAT}`,
      );
    }
  } catch (error) {
    if (TallystickError.is(error)) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new TallystickError('state_unusable', `the state folder "${folder}" cannot be used: ${code ?? 'unknown'}`, {
      remedy: code === 'ENOSPC' ? 'free space on its file system' : 'make it a folder that the sidecar may write',
      cause: error,
    });
  }
}

async function readFormat(path: string): Promise<number | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const match = /^tallystick-state (\d{1,6})\n$/.exec(text);
  if (!match) throw new TallystickError('state_unusable', `"${path}" is not a state folder's format`);
  return Number(match[1]);
}

/** Returns the ULID of this sidecar: the configured one, else that of its state, made at the first start. */
export async function sidecarId(
  folder: string,
  configured: string | undefined,
  clock: Clock,
  random: Random,
): Promise<string> {
  if (configured !== undefined) return configured;
  const path = join(folder, 'sidecar.json');
  const stored = (await readStateFile(path, 'the sidecar id')) as { id?: unknown } | undefined;
  if (typeof stored?.id === 'string' && isUlid(stored.id)) return stored.id;
  const id = ulid(clock, random);
  await writeStateFile(path, 'the sidecar id', { id });
  return id;
}
