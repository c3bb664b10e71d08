import { readNamedFile, type FileFault } from './named-file.ts';

/** The secret in a file, or why it cannot be used. */
export type SecretFile = { readonly ok: true; readonly secret: string } | FileFault;

const MAX_FILE_BYTES = 64 * 1024;
/** Others may not read it, and its group, which a mounted secret is given to, may not write it. */
const REFUSED_MODE = 0o027;

/**
 * Reads a file that holds one secret and nothing else; a line break at its end is none of it. Never throws, and nothing
 * that it says has a byte of the file. It is read anew for each use, because mounted secrets are replaced.
 */
export async function readSecretFile(path: string): Promise<SecretFile> {
  const file = await readNamedFile(path, MAX_FILE_BYTES);
  if (!file.ok) return file;
  if ((file.owner.mode & REFUSED_MODE) !== 0) {
    return refuse('that others may read, or its group may write', 'run "chmod 600" on it');
  }
  const secret = file.bytes.toString('utf8').replace(/\r?\n$/, '');
  if (!/^[^\p{Cc}]+$/u.test(secret))
    return refuse('that is empty, or has more than one line', 'write the secret alone');
  return { ok: true, secret };
}

function refuse(what: string, remedy: string): FileFault {
  return { ok: false, message: `names a file ${what}`, remedy };
}
