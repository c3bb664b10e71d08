import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { formatSignerKey, parseSignerKey, type NotePrivateKey } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';

/**
 * Returns the key of a witness in a file, which is made with a new key where it is missing and `name` is given. A key
 * cosigns for one witness alone: two of one key could vouch for two histories.
 *
 * @throws {TallystickError} `state_unusable`: it is not there, holds no key, or others may read it.
 */
export function witnessKey(path: string, name: string | undefined): NotePrivateKey {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return newKey(path, name);
  if ((stat.mode & 0o077) !== 0) throw unusable(path, 'may be used by others', `run "chmod 600 ${path}"`);
  const key = parsed(path);
  if (name === undefined || name === key.name) return key;
  throw unusable(path, 'is the key of a witness of another name', 'leave --name out, or name another file with --key');
}

function newKey(path: string, name: string | undefined): NotePrivateKey {
  if (name === undefined) {
    throw unusable(path, 'is not there', 'give --name NAME to have a new key made, such as the name of your host');
  }
  const key = { name, privateKey: generateKeyPairSync('ed25519').privateKey };
  const line = formatSignerKey(key);
  try {
    writeFileSync(path, `${line}\n`, { flag: 'wx', mode: 0o600, flush: true });
  } catch (cause) {
    throw unusable(path, 'cannot be written', 'name a file in a folder that is there and yours', cause);
  }
  return key;
}

function parsed(path: string): NotePrivateKey {
  try {
    return parseSignerKey(readFileSync(path, 'utf8').trimEnd());
  } catch (cause) {
    throw unusable(path, 'holds no key of a witness', 'restore it; with a new key it is another witness', cause);
  }
}

function unusable(path: string, fault: string, remedy: string, cause?: unknown): TallystickError {
  return new TallystickError('state_unusable', `"${path}" ${fault}`, { remedy, ...(cause !== undefined && { cause }) });
}
