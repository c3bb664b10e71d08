import { accessSync, constants, lstatSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
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
    const real = realpathSync.native(path);
    if (!statSync(real).isFile()) throw untrusted(path, 'is no file');
    for (const facts of [...linksOn(path).map(linkFactsOf), factsOf(real)]) {
      const fault = judgeTrustFile(facts, foldersOf(facts.path).map(factsOf), selfUid);
      if (fault !== undefined) throw untrusted(path, fault);
    }
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

/** Returns the links that are followed on the way to a file that is there, each by a path without links before it. */
function linksOn(path: string): readonly string[] {
  const links: string[] = [];
  let folder = '/';
  for (let rest = path.split('/'); rest.length > 0;) {
    const [name, ...after] = rest as [string, ...string[]];
    const entry = join(folder, name);
    if (!lstatSync(entry).isSymbolicLink()) {
      [folder, rest] = [entry, after];
      continue;
    }
    links.push(entry);
    const target = readlinkSync(entry);
    if (isAbsolute(target)) folder = '/';
    rest = [...target.split('/'), ...after];
  }
  return links;
}

/** A link has no mode of its own. Who can put another in its place could have the file be any other. */
function linkFactsOf(path: string): TrustFacts {
  return { path, uid: lstatSync(path).uid, mode: 0, readOnly: isReadOnlyMount(dirname(path)) };
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
