import { fstatSync, readFileSync, readlinkSync, statfsSync } from 'node:fs';

/** What the process table (`/proc`, proc(5)) tells about one process. Undefined where it shows nothing. */
export interface ProcessTable {
  /** Ticks since boot at which the process started: with the pid, a name that is not used twice. */
  startTime(pid: number): string | undefined;
  /** The pid under which this table lists the process behind a pidfd of ours. */
  pidOf(pidfd: number): number | undefined;
  /** The inode of a pidfd, where that names the process: on pidfs (Linux 6.9), not on the anonymous inodes before. */
  inodeOf(pidfd: number): bigint | undefined;
  /** The path its executable had when it was started, as seen from here. */
  executable(pid: number): string | undefined;
}

/** The mounted process table. On macOS there is none, and everything is undefined. */
export const processTable: ProcessTable = {
  startTime: (pid) => attempt(() => parseStartTime(readFileSync(`/proc/${pid}/stat`, 'latin1'))),
  pidOf: (pidfd) => attempt(() => parseFdinfoPid(readFileSync(`/proc/self/fdinfo/${pidfd}`, 'latin1'))),
  inodeOf: (pidfd) => attempt(() => (isPidfs(pidfd) ? fstatSync(pidfd, { bigint: true }).ino : undefined)),
  executable: (pid) => attempt(() => parseExecutable(readlinkSync(`/proc/${pid}/exe`))),
};

/** Returns field 22 of `/proc/<pid>/stat`; undefined for a process that has exited and was not reaped. */
export function parseStartTime(stat: string): string | undefined {
  // Field 2 is the name, in parentheses, chosen by the process: it may hold blanks and parentheses.
  const [state, ...fields] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .trimEnd()
    .split(' ');
  const startTime = fields[18];
  if (state === 'Z' || state === 'X' || startTime === undefined || !/^\d+$/.test(startTime)) return undefined;
  return startTime;
}

/** Returns the `Pid:` of a pidfd's fdinfo; undefined when it has exited (-1) or is not in this PID namespace (0). */
export function parseFdinfoPid(fdinfo: string): number | undefined {
  const pid = Number(/^Pid:\s+(-?\d+)$/m.exec(fdinfo)?.[1] ?? 0);
  return pid > 0 ? pid : undefined;
}

/** Returns the link's target unless the file is gone or out of sight: then its name says nothing of what runs. */
export function parseExecutable(target: string): string | undefined {
  return target.startsWith('/') && !target.endsWith(' (deleted)') && !/\p{Cc}/u.test(target) ? target : undefined;
}

const PID_FS_MAGIC = 0x50494446; // <linux/magic.h>

function isPidfs(pidfd: number): boolean {
  return statfsSync(`/proc/self/fd/${pidfd}`).type === PID_FS_MAGIC;
}

function attempt<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // Exited meanwhile, hidden (hidepid), not permitted, or no /proc at all.
  }
}
