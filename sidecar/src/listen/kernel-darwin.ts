import { lockDescriptor, systemError } from './flock.ts';
import type { Kernel } from './kernel.ts';
import type { Libc } from './libc.ts';

// <sys/un.h>
const SOL_LOCAL = 0;
const LOCAL_PEERCRED = 1;
const LOCAL_PEERPID = 2;

// <sys/ucred.h>: struct xucred { u_int cr_version; uid_t cr_uid; short cr_ngroups; gid_t cr_groups[16]; }
const XUCRED_BYTES = 76;
const XUCRED_VERSION = 0;
const CR_UID = 4;
const CR_NGROUPS = 8;
const CR_GROUPS = 12;

/** macOS: `LOCAL_PEERCRED` and `LOCAL_PEERPID` (unix(4)). Untested; there is no pidfd, so peers stay at `socket`. */
export function createDarwinKernel(libc: Libc): Kernel {
  return {
    peerCredentials(socket) {
      const xucred = Buffer.alloc(XUCRED_BYTES);
      const length = libc.getsockopt(socket, SOL_LOCAL, LOCAL_PEERCRED, xucred);
      if (length < 0) throw systemError('getsockopt(LOCAL_PEERCRED)', length);
      if (length !== XUCRED_BYTES || xucred.readUInt32LE(0) !== XUCRED_VERSION || xucred.readInt16LE(CR_NGROUPS) < 1) {
        throw new Error('getsockopt(LOCAL_PEERCRED): not a struct xucred of version 0');
      }
      const pid = Buffer.alloc(4);
      const pidLength = libc.getsockopt(socket, SOL_LOCAL, LOCAL_PEERPID, pid);
      if (pidLength < 0) throw systemError('getsockopt(LOCAL_PEERPID)', pidLength);
      // The first of cr_groups is the effective group.
      return { uid: xucred.readUInt32LE(CR_UID), gid: xucred.readUInt32LE(CR_GROUPS), pid: pid.readInt32LE(0) };
    },
    openPeerProcess: () => undefined,
    hasExited: () => false,
    lock: (file) => lockDescriptor(libc, file),
  };
}
