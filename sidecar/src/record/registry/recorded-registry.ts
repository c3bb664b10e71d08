import { join } from 'node:path';
import { parseRecord } from '@tallystick/audit';
import type { IdentityObject, Json } from '@tallystick/core';
import { readStateFile, writeStateFile } from '../../state/state-file.ts';
import type { OpenedRecorder } from '../opened-recorder.ts';

/** The identities that the log knows of, whole. */
export interface RecordedRegistry {
  readonly identities: ReadonlyMap<string, IdentityObject>;
  /** Remembers what the log knows now, so that the next start need not read it again. */
  keep(identities: ReadonlyMap<string, IdentityObject>): Promise<void>;
}

const FILE = 'recorded-identities.json';
const WHAT = 'identities on record';

/** What the log knew when that was kept last. */
export interface RecordedCopy {
  /** Of the log that knew it. */
  readonly origin: string;
  readonly identities: readonly IdentityObject[];
}

/** Returns the copy in state of what the log knew; undefined before the first. @throws {TallystickError} */
export function readRecordedCopy(folder: string): Promise<RecordedCopy | undefined> {
  return readStateFile(join(folder, FILE), WHAT) as Promise<RecordedCopy | undefined>;
}

/**
 * Opens what the log knows of identities: from a copy in state, or, where that is of another log, from the log itself.
 *
 * @throws {TallystickError} `state_unusable`
 */
export async function openRecordedRegistry(
  folder: string,
  copy: RecordedCopy | undefined,
  recorder: OpenedRecorder,
): Promise<RecordedRegistry> {
  const path = join(folder, FILE);
  let writing: Promise<void> = Promise.resolve();
  return {
    identities: copy?.origin === recorder.origin ? byId(copy.identities) : await readFromLog(recorder),
    keep(identities) {
      const { origin } = recorder;
      const content = { origin, identities: [...identities.values()] as unknown as Json };
      // In the order of the calls: the last one knows most.
      writing = writing.catch(() => {}).then(() => writeStateFile(path, WHAT, content));
      return writing;
    },
  };
}

function byId(identities: readonly IdentityObject[]): Map<string, IdentityObject> {
  return new Map(identities.map((identity) => [identity.id, identity]));
}

async function readFromLog({ log }: OpenedRecorder): Promise<Map<string, IdentityObject>> {
  const found = new Map<string, IdentityObject>();
  for await (const bytes of log.readRecords(0, Infinity)) {
    // Most records are of credentials: those are not parsed.
    if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('"type":"identity.')) continue;
    const { known, record } = parseRecord(bytes);
    if (!known || !('object' in record.body)) continue;
    if (record.type === 'identity.retired') found.delete(record.body.identity);
    else found.set(record.body.identity, record.body.object);
  }
  return found;
}
