// Counts journal entries in a Redis, through a connection that follows a login which rotates.
import { parseArgs } from 'node:util';
import { connect } from '@tallystick/sdk';
import { Redis } from 'ioredis';
import { followLogin } from './follow-login.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '6379' },
    credential: { type: 'string', default: 'ledger-redis' },
    // Ends after it has counted as this many users.
    users: { type: 'string', default: '1' },
  },
});

const identity = await connect();
const redis = new Redis({ host: values.host, port: Number(values.port), lazyConnect: true });
await followLogin(identity, values.credential, redis);

const users = new Set<string>();
while (users.size < Number(values.users)) {
  const entries = await redis.incr('journal:entries');
  const user = (await redis.acl('WHOAMI')) as string;
  if (!users.has(user)) process.stdout.write(`${JSON.stringify({ event: 'counted', entries, user })}\n`);
  users.add(user);
  await new Promise((resolve) => setTimeout(resolve, 20));
}
await redis.quit();
await identity.close();
