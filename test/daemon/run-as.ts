import { spawnSync } from 'node:child_process';

/** True where this Node can be started as that user: we are root, and the user may reach the folder it is in. */
export function canRunAs(uid: number): boolean {
  if (process.getuid?.() !== 0) return false;
  const can = spawnSync(process.execPath, ['--version'], { uid, gid: uid, cwd: '/' }).status === 0;
  if (!can) process.stderr.write(`NOT TESTED as user ${uid}, who cannot reach ${process.execPath}\n`);
  return can;
}
