import { hash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { TallystickError, type Json } from '@tallystick/core';
import { replaceFile } from './replace-file.ts';

// One line: the digest, then the content whose exact bytes it is of.
const FORM = /^\{"sha256":"([A-Za-z0-9_-]{43})","content":(.*)\}$/s;

/**
 * Reads a state file: JSON with a digest over its content, so that a torn or edited one is seen.
 *
 * @param what What it holds, for the error.
 * @returns Its content, or undefined when there is none.
 * @throws {TallystickError} `state_unusable`
 */
export async function readStateFile(path: string, what: string): Promise<unknown> {
  let text: string;
  try {
    const { mode } = await stat(path);
    // Who could write it could forge the digest too; who could read a key file has the keys.
    if ((mode & 0o077) !== 0)
      throw new TallystickError('state_unusable', `"${path}" is open to other users`, {
        remedy: `chmod 0600 "${path}", and think of what it holds as known`,
      });
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw TallystickError.is(error) ? error : unusable(path, what, 'cannot be read', error);
  }
  const [, sha256, content] = FORM.exec(text) ?? [];
  if (content === undefined || sha256 !== digest(content)) throw unusable(path, what, 'is torn or was changed by hand');
  return JSON.parse(content);
}

/**
 * Replaces a state file. When this resolves the new content is durable; when it rejects, or the machine
 * stops, there is a whole one: the old, or the new.
 *
 * @param mode For nobody but us: 0600, or 0400 for what is never written again.
 * @throws {TallystickError} `state_unusable`
 */
export async function writeStateFile(path: string, what: string, content: Json, mode = 0o600): Promise<void> {
  const text = JSON.stringify(content);
  try {
    await replaceFile(path, `{"sha256":"${digest(text)}","content":${text}}`, mode);
  } catch (error) {
    throw unusable(path, what, 'cannot be written', error);
  }
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}

function unusable(path: string, what: string, why: string, cause?: unknown): TallystickError {
  return new TallystickError('state_unusable', `the file of ${what}, "${path}", ${why}`, { cause });
}
