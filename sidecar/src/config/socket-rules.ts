import { posix } from 'node:path';
import { amiss, type Path, type Report } from './fault.ts';
import type { FileValue } from './file-shape.ts';
import { isWithin, socketUrlPath } from './file-path.ts';
import type { Draft } from './shape.ts';

type Workload = Draft<FileValue['listen']['workload']>;

interface Located {
  readonly value: string;
  readonly path: Path;
}

/** Judges sockets and state folders against each other. */
export function checkSockets(file: Draft<FileValue>, report: Report): void {
  const sockets = workloadSockets(file.listen?.workload);
  checkNames(sockets, report);
  const taken = new Set<string>();
  const admin = located(file.listen?.admin, ['listen', 'admin']);
  for (const { value, path } of [...sockets.map((socket) => socket.path), ...admin]) {
    if (taken.has(value)) amiss(report, path, 'is the path of another socket', 'give each socket a path of its own');
    taken.add(value);
  }
  const folders = stateFolders(file.state);
  checkFolders(folders, report);

  // A workload socket is mounted by its folder: whatever lies there is handed to the workload with it.
  for (const { value, path } of [...admin, ...folders]) {
    const exposing = sockets.find((socket) => isWithin(value, posix.dirname(socket.path.value)));
    if (!exposing || exposing.path.value === value) continue;
    amiss(
      report,
      path,
      'lies in the folder of a workload socket, which is mounted into workloads',
      'put it, or the workload socket, into a folder of its own',
    );
  }
}

function checkNames(sockets: readonly { readonly name: Located | undefined }[], report: Report): void {
  const names = new Set<string>();
  for (const { name } of sockets) {
    if (!name) continue;
    if (name.value === 'admin') amiss(report, name.path, 'is what the admin socket is called', 'choose another name');
    if (names.has(name.value))
      amiss(report, name.path, 'is the name of another socket', 'give each socket a name of its own');
    names.add(name.value);
  }
}

function checkFolders(folders: readonly Located[], report: Report): void {
  const taken = new Set<string>();
  for (const { value, path } of folders) {
    if (taken.has(value))
      amiss(report, path, 'is the folder of another kind of state', 'give keys, leases and audit a folder each');
    taken.add(value);
  }
}

/** Returns the paths of the workload sockets, as far as they are known. */
export function socketPaths(file: Draft<FileValue>): readonly string[] {
  return workloadSockets(file.listen?.workload).flatMap(({ path }) => (path.value === '' ? [] : [path.value]));
}

/** Returns the names of the workload sockets; undefined when one is not known, so that nothing is held against them. */
export function socketNames(workload: Workload | undefined): readonly string[] | undefined {
  if (workload === undefined) return undefined;
  if (typeof workload === 'string') return [DEFAULT_SOCKET_NAME];
  const names = workload.map((socket) => socket?.name);
  return names.every((name) => name !== undefined) ? names : undefined;
}

function workloadSockets(
  workload: Workload | undefined,
): readonly { readonly name: Located | undefined; readonly path: Located }[] {
  const at = ['listen', 'workload'];
  if (workload === undefined) return [];
  if (typeof workload === 'string') {
    return [{ name: { value: DEFAULT_SOCKET_NAME, path: at }, path: { value: socketUrlPath(workload), path: at } }];
  }
  return workload.flatMap((socket, i) => {
    const [name] = located(socket?.name, [...at, i, 'name']);
    // A socket whose path is wrong still has its name.
    const path = socket?.path ?? '';
    return name === undefined && path === '' ? [] : [{ name, path: { value: path, path: [...at, i, 'path'] } }];
  });
}

/** The name of a workload socket that is given as a URL alone. */
export const DEFAULT_SOCKET_NAME = 'default';

function stateFolders(state: Draft<FileValue['state']> | undefined): readonly Located[] {
  if (typeof state === 'string') return located(state, ['state']);
  return (['keys', 'leases', 'audit'] as const).flatMap((key) => located(state?.[key], ['state', key]));
}

function located(value: string | undefined, path: Path): readonly Located[] {
  return value === undefined ? [] : [{ value, path }];
}
