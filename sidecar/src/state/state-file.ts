import { hash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { canonicalJson, TallystickError, type Json } from '@tallystick/core';
import { syncFolder } from '../record/line-file.ts';

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
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(path, what, 'cannot be read', error);
  }
  try {
    const { sha256, content } = JSON.parse(text) as { sha256?: unknown; content: Json };
    if (sha256 === digest(content)) return content;
  } catch {
    // Judged below.
  }
  throw unusable(path, what, 'is torn or was changed by hand');
}

/**
 * Replaces a state file, mode 0600. When this resolves the new content is durable; when it rejects, or the machine
 * stops, the old one is still there whole.
 *
 * @throws {TallystickError} `state_unusable`
 */
export async function writeStateFile(path: string, what: string, content: Json): Promise<void> {
  const temporary = `${path}.new`;
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify({ sha256: digest(content), content }));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw unusable(path, what, 'cannot be written', error);
  }
}

function digest(content: Json): string {
  return hash('sha256', canonicalJson(content), 'base64url');
}

function unusable(path: string, what: string, why: string, cause?: unknown): TallystickError {
  return new TallystickError('state_unusable', `the file of ${what}, "${path}", ${why}`, { cause });
}
