import { join } from 'node:path';
import {
  createNodeLogFiles,
  logVerifier,
  parseVkey,
  placePath,
  tileHashReader,
  tileReaderOf,
  type HashReader,
  type Log,
  type LogFiles,
  type NoteVerifier,
  type PolicyLog,
} from '@tallystick/audit';

/** What is anchored of the log that takes records. */
export type AnchoredLog = Pick<Log, 'origin' | 'place' | 'published' | 'publish'>;

/** The files of a log, as others than its writer read them. */
export interface PublishedFiles {
  readonly files: LogFiles;
  /** Absolute path of the file of anchored heads. */
  readonly headsPath: string;
  readonly verifier: NoteVerifier;
  /** The log as a line of a policy. */
  readonly policyLog: PolicyLog;
  /** Reads hashes of the tree of so many records, which are published. */
  hashes(size: number): HashReader;
}

/**
 * Opens the published files of a log. Its key is in the file `vkey`, which the log itself has written when it was opened.
 *
 * @param folder That of all logs.
 */
export async function openPublishedFiles(
  folder: string,
  { origin, place }: Pick<AnchoredLog, 'origin' | 'place'>,
): Promise<PublishedFiles> {
  const own = join(folder, placePath(place));
  const files = createNodeLogFiles(own);
  const vkey = String(await files.read('vkey')).trimEnd();
  const verifier = logVerifier(parseVkey(vkey));
  if (verifier.name !== origin) throw new Error(`the key beside the log is not of ${origin}`);
  const readTile = tileReaderOf(files);
  return {
    files,
    headsPath: join(own, 'heads'),
    verifier,
    policyLog: { vkey, verifier },
    hashes: (size) => tileHashReader(size, readTile),
  };
}
