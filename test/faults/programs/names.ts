// Loaded into a daemon before all else: a name resolves to loopback while a file is there, and to nothing while it is not,
// as when the resolver is away.
import dns, { type LookupAddress, type LookupOptions } from 'node:dns';
import { existsSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { searchParams } = new URL(import.meta.url);
const [name, file] = [searchParams.get('name'), searchParams.get('while')];
if (!name || !file)
  throw new Error('say which name resolves while which file is there: ?name=vault&while=/run/resolves');

type Callback = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

const { lookup } = dns;
dns.lookup = ((hostname: string, options: LookupOptions, callback: Callback) => {
  if (hostname !== name) return lookup(hostname, options, callback as never);
  setImmediate(() => {
    if (existsSync(file)) callback(null, [{ address: '127.0.0.1', family: 4 }]);
    else callback(Object.assign(new Error(`getaddrinfo EAI_AGAIN ${hostname}`), { code: 'EAI_AGAIN' }), []);
  });
}) as never;
syncBuiltinESMExports();
