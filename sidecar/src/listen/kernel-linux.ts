import { constants } from 'node:os';
import { lockDescriptor, systemError } from './flock.ts';
import type { Kernel } from './kernel.ts';
import type { Libc } from './libc.ts';

// <asm-generic/socket.h>, as on x64 and arm64; some other architectures number these otherwise.
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERPIDFD = 77;

const { EINVAL, ENODATA, ENOPROTOOPT, ESRCH } = constants.errno;

/** Linux: `SO_PEERCRED`, and from 6.5 on `SO_PEERPIDFD` (unix(7), pidfd_open(2)). */
export function createLinuxKernel(libc: Libc): Kernel {
  return {
    peerCredentials(socket) {
      const ucred = Buffer.alloc(12); // struct ucred { pid_t pid; uid_t uid; gid_t gid; }
      const length = libc.getsockopt(socket, SOL_SOCKET, SO_PEERCRED, ucred);
      if (length < 0) throw systemError('getsockopt(SO_PEERCRED)', length);
      return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8) };
    },

    openPeerProcess(socket) {
      const descriptor = Buffer.alloc(4);
      const length = libc.getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, descriptor);
      switch (-length) {
        case ENOPROTOOPT:
          return undefined;
        // Reaped before it was asked for: 6.5 said EINVAL, later kernels ESRCH; ENODATA if there never was one.
        case EINVAL:
        case ESRCH:
        case ENODATA:
          return 'exited';
        default:
          if (length < 0) throw systemError('getsockopt(SO_PEERPIDFD)', length);
          return descriptor.readInt32LE(0);
      }
    },

    hasExited(process) {
      const readable = libc.pollReadable(process);
      if (readable < 0) throw systemError('poll', readable);
      return readable > 0;
    },

    lock: (file) => lockDescriptor(libc, file),
  };
}
