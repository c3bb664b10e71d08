import { TallystickError } from '@tallystick/core';
import type { EngineCall, EngineMade, EngineMaker } from './engine.ts';
import { valuesOf } from './values.ts';

/** A login of a database: a new one under a lease, or the one of a static role, until it is next changed. */
export const readDatabase: EngineMaker = async (ask) => {
  const { answers, order, nowMs } = ask;
  const what = order.wanted.path;
  const { data, ...leased } = await readLeased(ask);
  const username = answers.text(data, 'username', what);
  return {
    ...leased,
    material: { username, password: answers.text(data, 'password', what) },
    handles: { databaseUser: username },
    expiresAtMs: leased.vaultLease === '' ? nowMs + answers.seconds(data, 'ttl', what) * 1000 : leased.expiresAtMs,
  };
};

/** A session of AWS. The name of the session is the lease id, where the role is one that is assumed. */
export const makeAws: EngineMaker = async (ask) => {
  const { answers, client, order, call, name, nowMs } = ask;
  const what = order.wanted.path;
  const body = { ttl: `${Math.ceil(order.lifetimeMs / 1000)}s`, role_session_name: order.leaseId };
  const { data, ttlMs, vaultLease } = answers.secret(await client.write(what, body, call), what);
  const sessionToken = data.session_token ?? data.security_token;
  if (typeof sessionToken !== 'string' || sessionToken === '') {
    throw new TallystickError('upstream_denied', `"${name}" has a key of a user at ${what}, which lives on`, {
      remedy: 'let the role of Vault give sessions: credential_type=assumed_role or federation_token',
    });
  }
  const accessKeyId = answers.text(data, 'access_key', what);
  const [, accountId = ''] = /^arn:[^:]*:[^:]*::([0-9]{12}):/.exec(String(data.arn)) ?? [];
  return {
    material: { accessKeyId, secretAccessKey: answers.text(data, 'secret_key', what), sessionToken, accountId },
    handles: { accessKeyId },
    expiresAtMs: nowMs + ttlMs,
    vaultLease,
    // AWS ends a session by its own time, whatever Vault says of the lease.
    renewable: false,
  };
};

/** A token of Google Cloud. Vault keeps no lease of it. */
export const readGcp: EngineMaker = async ({ answers, client, order, call }) => {
  const what = order.wanted.path;
  const data = answers.object(await client.read(what, call), 'data', what);
  return {
    material: { token: answers.text(data, 'token', what), serviceAccount: '' },
    handles: {},
    expiresAtMs: answers.seconds(data, 'expires_at_seconds', what) * 1000,
    vaultLease: '',
    renewable: false,
  };
};

/** Whatever else an engine gives, by its own names. */
export const readGeneric: EngineMaker = async (ask) => {
  const { path, fields } = ask.order.wanted;
  const { data, ...leased } = await readLeased(ask);
  return { ...leased, material: { values: valuesOf(data, fields, ask.name, path), version: '' }, handles: {} };
};

async function readLeased({
  answers,
  client,
  order,
  call,
  nowMs,
}: EngineCall): Promise<
  Pick<EngineMade, 'expiresAtMs' | 'vaultLease' | 'renewable'> & { readonly data: Readonly<Record<string, unknown>> }
> {
  const what = order.wanted.path;
  const { data, ttlMs, vaultLease, renewable } = answers.secret(await client.read(what, call), what);
  return { data, expiresAtMs: vaultLease === '' ? undefined : nowMs + ttlMs, vaultLease, renewable };
}
