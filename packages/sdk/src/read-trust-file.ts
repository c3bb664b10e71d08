import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { TallystickError } from '@tallystick/core';
import { judgeTrustFile, type TrustFacts } from './judge-trust-file.ts';
import { untrusted } from './trust-file.ts';

/**
 * Returns the text of a trust file, where this process can neither write to it nor replace it.
 *
 * @throws {TallystickError} `config_invalid`
 */
export function readTrustFile(path: string, selfUid: number): string {
  if (!isAbsolute(path)) throw untrusted(path, 'is named by a path that is not absolute (TALLYSTICK_TRUST)');
  try {
    const real = realpathSync(path);
    if (!statSync(real).isFile()) throw untrusted(path, 'is no file');
    const fault = judgeTrustFile(factsOf(real), foldersOf(real).map(factsOf), selfUid);
    if (fault !== undefined) throw untrusted(path, fault);
    return readFileSync(real, 'utf8');
  } catch (cause) {
    if (TallystickError.is(cause)) throw cause;
    throw untrusted(path, `cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown error'}`, cause);
  }
}

function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [] : [...foldersOf(folder), folder];
}

function factsOf(path: string): TrustFacts {
  const { uid, mode } = statSync(path);
  return { path, uid, mode, readOnly: isReadOnlyMount(path) };
}

function isReadOnlyMount(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
}
