import { posix } from 'node:path';
import { amiss, type Path, type Report } from './fault.ts';
import type { FileValue } from './file-shape.ts';
import { isWithin } from './file-path.ts';
import type { Draft } from './shape.ts';
import { socketPaths } from './socket-rules.ts';

const REPLICA_FOLDER: Path = ['audit', 'replica', 'folder'];

/** Judges where the replica of the record is. */
export function checkReplica(file: Draft<FileValue>, report: Report): void {
  const folder = file.audit?.replica?.folder;
  if (folder === undefined) return;
  const own = typeof file.state === 'string' ? [file.state] : Object.values(file.state ?? {});
  if (own.some((each) => each !== undefined && (isWithin(folder, each) || isWithin(each, folder)))) {
    amiss(
      report,
      REPLICA_FOLDER,
      'is not apart from the state: what takes one takes both',
      'name a folder on another disk or machine',
    );
  }
  if (socketPaths(file).some((path) => isWithin(folder, posix.dirname(path)))) {
    amiss(
      report,
      REPLICA_FOLDER,
      'lies in the folder of a workload socket, which is mounted into workloads',
      'name a folder that no workload is given',
    );
  }
}
