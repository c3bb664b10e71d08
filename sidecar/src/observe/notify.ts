import { closeSync } from 'node:fs';
import { loadKoffi } from '../listen/koffi.ts';

/** Tells a supervisor of a state. Never throws: a sidecar serves whether or not somebody listens. */
export type Notify = (state: 'READY=1' | 'RELOADING=1' | 'STOPPING=1') => void;

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
/** `sun_path` of Linux, in bytes. */
const MAX_PATH = 108;

/**
 * Returns the sender of sd_notify(3) messages: one datagram each to the Unix socket that the supervisor named, by
 * libc, since Node has no Unix datagrams.
 *
 * @param socket What `NOTIFY_SOCKET` says; one that begins with `@` is abstract. Undefined: nobody is told.
 */
export function createNotify(socket: string | undefined): Notify {
  if (socket === undefined || process.platform !== 'linux') return () => {};
  return (state) => {
    const path = Buffer.from(socket);
    if (path.length >= MAX_PATH) return;
    if (path[0] === 0x40) path[0] = 0;
    const address = Buffer.alloc(2 + MAX_PATH);
    address.writeUInt16LE(AF_UNIX, 0);
    path.copy(address, 2);
    const message = Buffer.from(state);
    const libc = loadKoffi().load(null);
    const open = libc.func('int socket(int domain, int type, int protocol)');
    const send = libc.func(
      'int64_t sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t address_length)',
    );
    const fd = open(AF_UNIX, SOCK_DGRAM, 0) as number;
    if (fd < 0) return;
    send(fd, message, message.length, 0, address, 2 + path.length + (path[0] === 0 ? 0 : 1));
    closeSync(fd);
  };
}
