import { constants } from 'node:os';
import type { Koffi } from './koffi.ts';

/** The calls of libc that Node does not offer. Each returns what C returns, or the negated `errno`. */
export interface Libc {
  /** Fills `value`. Returns the number of bytes the kernel wrote. */
  getsockopt(fd: number, level: number, option: number, value: Buffer): number;
  flock(fd: number, operation: number): number;
  /** Asks once, without waiting, whether `fd` is readable. Returns 1 or 0. */
  pollReadable(fd: number): number;
}

const POLLIN = 1;
const { EINTR } = constants.errno;

/** Binds to the libc that this process already uses, whichever it is. */
export function bindLibc(koffi: Koffi): Libc {
  const library = koffi.load(null);
  const getsockopt = library.func(
    'int getsockopt(int fd, int level, int option, void *value, _Inout_ uint32_t *length)',
  );
  const flock = library.func('int flock(int fd, int operation)');
  const poll = library.func('int poll(void *fds, unsigned long count, int timeout)');
  const call = (invoke: () => number): number => {
    for (;;) {
      const result = invoke();
      if (result >= 0) return result;
      const errno = koffi.errno();
      if (errno !== EINTR) return -errno; // A signal may interrupt even a poll that does not wait.
    }
  };

  // struct pollfd { int fd; short events; short revents; }: one for all calls, which never overlap.
  const pollfd = Buffer.alloc(8);
  pollfd.writeInt16LE(POLLIN, 4);

  return {
    getsockopt(fd, level, option, value) {
      const length = [value.length];
      const failed = call(() => getsockopt(fd, level, option, value, length));
      return failed < 0 ? failed : (length[0] ?? 0);
    },
    flock: (fd, operation) => call(() => flock(fd, operation)),
    pollReadable(fd) {
      pollfd.writeInt32LE(fd, 0);
      return call(() => poll(pollfd, 1, 0));
    },
  };
}
