import type { IdentityObject } from '@tallystick/core';
import type { Config } from './config.ts';
import type { Mistake, Path } from './fault.ts';

/** What a warning is about. Stable. */
export type WarningCode =
  | 'no_identity'
  | 'identity_expired'
  | 'identity_expires_soon'
  | 'identity_expires_late'
  | 'match_shared'
  | 'match_interpreter'
  | 'match_path_alone'
  | 'match_overflow_uid'
  | 'socket_folder_shared'
  | 'lifetime_short'
  | 'credential_unused'
  | 'credential_without_use'
  | 'health_exposed'
  | 'state_readable'
  | 'file_writable';

/** Something that works and is probably not meant, or weaker than it looks. */
export interface Warning extends Mistake {
  readonly code: WarningCode;
}

/** A warning before its line is known. */
export interface Caution {
  readonly code: WarningCode;
  readonly path: Path;
  readonly message: string;
  readonly remedy: string;
}

/** What warnings are derived from. */
export interface WarningInput {
  readonly config: Config;
  /** Returns where an identity stands in the file. */
  readonly at: (identity: IdentityObject) => Path;
  readonly nowMs: number;
  /** The user that the sidecar runs as; undefined when that is not known. */
  readonly sidecarUid: number | undefined;
  /** Who owns the configuration file. */
  readonly file: FileOwner | undefined;
  /** Who owns each state folder that is there, by path. */
  readonly folders: ReadonlyMap<string, FileOwner>;
  /** True where the folder of the record is, or will be made, on a file system in memory, and so is its replica. */
  readonly recordInMemory: boolean;
}

/** The owner and mode of a file or folder. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}
