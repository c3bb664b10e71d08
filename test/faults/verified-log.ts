import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createRecordJudge,
  foldersIn,
  logFolder,
  policyOfVkeys,
  verifyLogFolder,
  type LogFolderReport,
} from '@tallystick/audit';

/** Verifies all logs of a daemon's folder, each against the key that stands beside it, or against `vkeys`. */
export async function verified(folder: string, vkeys = vkeysIn(folder)): Promise<LogFolderReport> {
  const audit = join(folder, 'state/audit');
  return verifyLogFolder({
    readFile: logFolder(audit),
    listFolders: (path) => foldersIn(join(audit, path)),
    judgeOf: createRecordJudge,
    policy: policyOfVkeys(vkeys),
    level: 'full',
    nowMs: Date.now(),
  });
}

/** Returns the public keys that stand beside the logs. */
export function vkeysIn(folder: string): string[] {
  const audit = join(folder, 'state/audit');
  return foldersIn(audit)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((incarnation) =>
      foldersIn(join(audit, incarnation)).map((shard) =>
        readFileSync(join(audit, incarnation, shard, 'vkey'), 'utf8').trim(),
      ),
    );
}
