import { hash } from 'node:crypto';
import type { Clock } from '@tallystick/core';
import { anchorFileFaults } from './anchor-files.ts';
import type { Config } from './config.ts';
import type { Mistake } from './fault.ts';
import { parseConfig } from './parse-config.ts';
import { productionFaults } from './production-rules.ts';
import { isInMemory, readConfigFile, readOwners } from './read-file.ts';
import type { FileOwner, Warning, WarningInput } from './warning.ts';
import { cautionsOf } from './warnings.ts';

/** A configuration and the text it was read from. */
export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly Warning[];
  readonly text: string;
  /** SHA-256 of the text, base64url. */
  readonly digest: string;
}

/** A configuration that was loaded, or every mistake in it. `text` is undefined where the file could not be read. */
export type LoadResult =
  | { readonly ok: true; readonly loaded: LoadedConfig }
  | { readonly ok: false; readonly mistakes: readonly Mistake[]; readonly text: string | undefined };

/** What loading needs to know beside the file. */
export interface LoadOptions {
  readonly clock: Pick<Clock, 'nowMs'>;
  /** The user that the sidecar runs as, where this process is the sidecar. */
  readonly sidecarUid?: number | undefined;
}

/** Reads, parses and judges a configuration file. Never throws. */
export async function loadConfig(path: string, options: LoadOptions): Promise<LoadResult> {
  const file = await readConfigFile(path);
  if (!file.ok) {
    const { message, remedy } = file;
    return {
      ok: false,
      mistakes: [{ line: undefined, column: undefined, path: '', message, remedy }],
      text: undefined,
    };
  }
  return loadText(file.text, file.owner, options);
}

/** True where no copy of the record is on a disk: neither its folder is, nor a replica. */
async function isInMemoryAlone({ state, audit: { replica } }: Config): Promise<boolean> {
  if (!(await isInMemory(state.audit))) return false;
  return !replica || (replica.kind === 'folder' && (await isInMemory(replica.folder)));
}

/** Parses and judges the text of a configuration. `owner`: of its file, undefined for a copy. */
export async function loadText(text: string, owner: FileOwner | undefined, options: LoadOptions): Promise<LoadResult> {
  const parsed = parseConfig(text);
  if (!parsed.ok) return { ok: false, mistakes: parsed.mistakes, text };
  const { config, identityIndex, explain } = parsed;
  const input: WarningInput = {
    config,
    at: ({ id }) => ['identities', identityIndex.get(id)!],
    nowMs: options.clock.nowMs(),
    sidecarUid: options.sidecarUid,
    file: owner,
    folders: await readOwners(Object.values(config.state)),
    recordInMemory: await isInMemoryAlone(config),
  };
  const faults = [...productionFaults(input), ...(await anchorFileFaults(config))];
  if (faults.length > 0) return { ok: false, mistakes: faults.map(explain), text };
  const warnings = cautionsOf(input).map((caution) => ({
    code: caution.code,
    ...explain({ ...caution, place: 'value', kind: 'meaning' }),
  }));
  return { ok: true, loaded: { config, warnings, text, digest: hash('sha256', text, 'base64url') } };
}
