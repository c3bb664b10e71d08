import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { policyOfVkeys, parseTlogPolicy, parseVkey, type TlogPolicy } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { loadConfig } from '../../config/load-config.ts';
import { STATE_FORMAT } from '../../state/state-folder.ts';
import { CONFIG_OPTION, configPathOf, UsageError, type Invocation, type OptionShapes } from '../command.ts';
import { readNamed } from './read-named.ts';
import { logPaths, readableLogs } from './readable-logs.ts';

/** Which folder of logs a command is about. */
export const DIR_OPTIONS = {
  ...CONFIG_OPTION,
  dir: { type: 'string', value: 'FOLDER', doc: 'the folder of the logs; else "state.audit" of the configuration' },
} as const satisfies OptionShapes;

/** Whose keys are believed. */
export const TRUST_OPTIONS = {
  policy: { type: 'string', value: 'FILE', doc: 'the trust policy: keys of logs and witnesses, and the quorum' },
  vkey: { type: 'string', value: 'FILE|TEXT', doc: 'without a policy, the public key of the log: its line, or a file' },
} as const satisfies OptionShapes;

/** Keys that are believed, and where they are from. */
export interface Trust {
  readonly policy: TlogPolicy;
  /** `folder`: from beside the log itself. Whoever can write the log can write those too. */
  readonly source: 'policy' | 'vkey' | 'folder';
}

/** Returns the absolute path of the folder of the logs. @throws {TallystickError} It is not one. */
export async function logsFolderOf(invocation: Invocation<typeof DIR_OPTIONS>): Promise<string> {
  const { dir } = invocation.options;
  if (dir !== undefined) return requireFolder(resolve(dir), 'name the folder that holds the logs with --dir');
  const path = configPathOf(invocation);
  const result = await loadConfig(path, { clock: invocation.clock });
  if (!result.ok) {
    throw new TallystickError('config_invalid', `"${path}" does not say where the logs are`, {
      remedy: 'name their folder with --dir; "tallystick check" says what is wrong with the configuration',
    });
  }
  return requireFolder(result.loaded.config.state.audit, 'start the sidecar once, or name another folder with --dir');
}

/**
 * Returns the keys that the options name, else those that lie in the folder.
 *
 * @throws {TallystickError} `log_invalid`: what was named holds no key.
 */
export function trustOf(options: Invocation<typeof TRUST_OPTIONS>['options'], folder: string): Trust {
  const named = namedTrust(options);
  if (named) return named;
  const readFile = readableLogs(folder);
  const vkeys = logPaths(folder).flatMap((path) => linesOf(readFile(`${path}/vkey`) ?? new Uint8Array()));
  if (vkeys.length > 0) return { policy: policyOfVkeys(vkeys), source: 'folder' };
  throw new TallystickError('log_invalid', `no key was given, and "${folder}" has none either`, {
    remedy: 'give the trust policy with --policy, or the public key of the log with --vkey',
  });
}

/** Returns the keys that the options name; undefined where they name none. @throws As {@link trustOf}. */
export function namedTrust({ policy, vkey }: Invocation<typeof TRUST_OPTIONS>['options']): Trust | undefined {
  if (policy !== undefined && vkey !== undefined) throw new UsageError('give --policy or --vkey, not both');
  try {
    if (policy !== undefined) return { policy: parseTlogPolicy(readNamed(policy)), source: 'policy' };
    if (vkey !== undefined) return { policy: policyOfVkeys(vkeysOf(vkey)), source: 'vkey' };
  } catch (error) {
    if (!TallystickError.is(error) || error.code !== 'log_invalid') throw error;
    const option = policy === undefined ? '--vkey' : '--policy';
    throw new TallystickError('log_invalid', `${option}: ${error.description}`, {
      remedy:
        'a vkey is NAME+8 HEX DIGITS+BASE64; a policy has lines "log VKEY", "witness NAME VKEY", "quorum NAME|none"',
    });
  }
  return undefined;
}

/** Returns the public keys that a file holds, a line each, or that the text itself is. */
export function vkeysOf(fileOrText: string): string[] {
  // A path has no plus with eight digits behind it where it is not the key itself.
  if (!/^[^+\s]+\+[0-9a-f]{8}\+/.test(fileOrText)) return linesOf(readNamed(fileOrText));
  parseVkey(fileOrText);
  return [fileOrText];
}

function linesOf(bytes: Uint8Array): string[] {
  return Buffer.from(bytes)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
}

function requireFolder(path: string, remedy: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) return requireKnown(path);
  const fault = stat ? 'is not a folder' : 'is not there';
  throw new TallystickError('state_unusable', `"${path}" ${fault}`, { remedy });
}

/** A copy of the logs may have no format beside them; one that has is of a version that we know. */
function requireKnown(folder: string): string {
  const text = Buffer.from(readableLogs(folder)('FORMAT') ?? new Uint8Array()).toString('utf8');
  const format = Number(/^tallystick-state (\d{1,6})\n$/.exec(text)?.[1] ?? STATE_FORMAT);
  if (format <= STATE_FORMAT) return folder;
  throw new TallystickError('state_newer', `"${folder}" has format ${format}, and this version knows ${STATE_FORMAT}`, {
    remedy: 'run the command of the version that wrote this folder, or of a later one',
  });
}
