import type { Identity } from '@tallystick/sdk';
import type { Redis } from 'ioredis';

/**
 * Has `redis` log in as the credential `name` says: now, and as each newer one, while the older is still good. A
 * connection that breaks comes back as the newest. What is revoked ends the connection.
 *
 * @returns When there is a login to connect by.
 */
export async function followLogin(identity: Identity, name: string, redis: Redis): Promise<void> {
  const logins = identity.watch(name, 'database')[Symbol.asyncIterator]();
  const first = await logins.next();
  if (first.done) return;
  take(first.value);

  function take({ username, password }: typeof first.value): void {
    redis.options.username = username;
    redis.options.password = password.reveal();
    // The connection that there is becomes that of the newer user: Redis cuts those of a user who is deleted.
    if (redis.status === 'ready') redis.auth(username, password.reveal()).catch(() => redis.disconnect(true));
  }

  async function follow(): Promise<void> {
    for (let next = await logins.next(); !next.done; next = await logins.next()) take(next.value);
  }
  follow().catch(() => redis.disconnect());
}
