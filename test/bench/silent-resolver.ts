import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A name server that never answers, and what has a process ask it. */
export interface SilentResolver extends AsyncDisposable {
  /** Put before a command line: in a mount namespace of its own it finds this server in /etc/resolv.conf. Needs root. */
  readonly command: readonly [string, ...string[]];
  /** The names that were asked for since this was last asked. */
  takeNames(): ReadonlySet<string>;
}

/** Another address of loopback than a resolver of the machine may have. */
const ADDRESS = '127.83.0.1';

/** Starts one, whose configuration lies in `folder`. */
export async function startSilentResolver(folder: string): Promise<SilentResolver> {
  const server = createSocket('udp4');
  let names = new Set<string>();
  server.on('message', (query) => names.add(nameIn(query)));
  server.bind(53, ADDRESS);
  await once(server, 'listening');
  const conf = join(folder, 'resolv.conf');
  // The longest that the C library waits for an answer.
  writeFileSync(conf, `nameserver ${ADDRESS}\noptions timeout:30 attempts:5\n`);
  return {
    command: [
      'unshare',
      '--mount',
      'sh',
      '-c',
      'mount --bind "$1" "$(readlink -f /etc/resolv.conf)" && shift && exec "$@"',
      'sh',
      conf,
    ],
    takeNames() {
      const taken = names;
      names = new Set();
      return taken;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Returns the name of a query's question (RFC 1035 §4.1.2): labels behind their length, after 12 bytes. */
function nameIn(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; query[at];) {
    const end = at + 1 + query[at]!;
    labels.push(query.toString('latin1', at + 1, end));
    at = end;
  }
  return labels.join('.');
}
