import { readAnchorPolicy } from './anchor-policy.ts';
import type { Config } from './config.ts';
import { nameOf, type Fault, type Path } from './fault.ts';
import type { FileFault } from './named-file.ts';
import { readAwsCredentials } from './aws-credentials.ts';

/** Returns the mistakes in the files that the record is anchored by. They are read again where they are used. */
export async function anchorFileFaults({ audit }: Config): Promise<Fault[]> {
  const { anchors, replica } = audit;
  const faults: Fault[] = [];
  const take = (path: Path, file: { readonly ok: true } | FileFault): void => {
    if (file.ok) return;
    const { message, remedy } = file;
    faults.push({ path, place: 'value', kind: 'meaning', message: `${nameOf(path)} ${message}`, remedy });
  };
  if (anchors.policy !== undefined) take(['audit', 'anchors', 'policy'], await readAnchorPolicy(anchors.policy));
  if (replica?.kind === 's3') {
    take(['audit', 'replica', 's3', 'credentials'], await readAwsCredentials(replica.credentials, 'default'));
  }
  return faults;
}
