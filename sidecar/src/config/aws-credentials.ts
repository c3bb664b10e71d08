import { readNamedFile, type FileFault } from './named-file.ts';

/** What requests to AWS, and to an object store that speaks S3, are signed with. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken: string | undefined;
}

/** The credentials of a file, or why it cannot be used. */
export type CredentialsFile = { readonly ok: true; readonly credentials: AwsKeys } | FileFault;

const MAX_FILE_BYTES = 64 * 1024;
/** Others may not read it, and its group, which a mounted secret is given to, may not write it. */
const REFUSED_MODE = 0o027;

/**
 * Reads a profile of an AWS credentials file. Never throws, and nothing that it says has a byte of the file.
 * It is read anew for each use, because temporary credentials are replaced.
 */
export async function readAwsCredentials(path: string, name: string): Promise<CredentialsFile> {
  const file = await readNamedFile(path, MAX_FILE_BYTES);
  if (!file.ok) return file;
  if ((file.owner.mode & REFUSED_MODE) !== 0) {
    return refuse('that others may read, or its group may write', 'run "chmod 600" on it');
  }
  const values = profile(file.bytes.toString('utf8'), name);
  const accessKeyId = values?.get('aws_access_key_id');
  const secretAccessKey = values?.get('aws_secret_access_key');
  if (!accessKeyId || !secretAccessKey) {
    return refuse(
      `without a whole access key under [${name}]`,
      `write [${name}], then aws_access_key_id = … and aws_secret_access_key = …`,
    );
  }
  return {
    ok: true,
    credentials: { accessKeyId, secretAccessKey, sessionToken: values?.get('aws_session_token') },
  };
}

/** Returns the values under the head of a profile; undefined where there is none. */
function profile(text: string, name: string): ReadonlyMap<string, string> | undefined {
  let values: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const [, head] = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line) ?? [];
    if (head !== undefined) {
      if (values) return values;
      if (head === name) values = new Map();
    }
    const [, key, value] = /^\s*([a-z_]+)\s*=\s*(\S+)\s*$/.exec(line) ?? [];
    if (key !== undefined) values?.set(key, value!);
  }
  return values;
}

function refuse(what: string, remedy: string): FileFault {
  return { ok: false, message: `names a file ${what}`, remedy };
}
