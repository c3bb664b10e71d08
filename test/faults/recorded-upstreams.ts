import { createPublicKey, randomBytes, type JsonWebKey } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startStsJudge } from '../../sidecar/test/providers/aws/sts-judge.ts';
import { command } from '../daemon/command.ts';
import { AUDIENCE, SERVICE, type Daemon } from '../daemon/daemon.ts';
import { nonceProvider } from '../interop/nonce-provider.ts';
import type { FurnishedVault } from '../interop/vault/furnished-vault.ts';
import { FEDERATION, ROLE, type UpstreamProxies } from './canary-credentials.ts';
import { startRecordingProxy } from './recording-proxy.ts';

/** A Vault, an OpenID provider and an account of AWS, behind proxies that note all that passes. */
export interface RecordedUpstreams extends AsyncDisposable {
  readonly proxies: UpstreamProxies;
  /** URL of an API that takes every call. */
  readonly api: string;
  /** Has them trust the sidecar, by the files that its operator publishes. */
  trust(daemon: Daemon): Promise<void>;
}

/** @param vault Is given the secrets that the credentials are of, each with a value of its own. */
export async function startRecordedUpstreams(vault: FurnishedVault): Promise<RecordedUpstreams> {
  const stack = new AsyncDisposableStack();
  const started = async () => stack.use(await startRecordingProxy());
  const proxies = { vault: await started(), sso: await started(), aws: await started() };
  const judge = stack.adopt(await startStsJudge({ nowMs: Date.now }), (each) => each.close());
  const api = stack.use(await listen((_, response) => response.end('{}')));
  proxies.vault.to(vault.url);
  proxies.aws.to(judge.url);
  const [secret, ...keys] = Array.from({ length: 3 }, () => randomBytes(24).toString('base64'));
  await vault.call('POST', 'secret/data/ledger/sso', { data: { client_secret: secret } });
  await vault.call('POST', 'secret/data/ledger/api', { data: { key: keys[0] } });
  await vault.call('POST', 'secret/data/ledger/audit', { data: { key: keys[1] } });
  return {
    proxies,
    api: api.url,
    async trust(daemon) {
      const dir = join(daemon.folder, 'published');
      const { status, stderr } = await command(daemon, 'issuer', 'publish', '--dir', dir);
      if (status !== 0) throw new Error(stderr);
      const jwksIn = (name: string) => JSON.parse(readFileSync(join(dir, name), 'utf8')) as { keys: JsonWebKey[] };
      const federation = jwksIn('jwks.json');
      await vault.call('POST', 'auth/jwt/config', { jwt_validation_pubkeys: federation.keys.map(pemOf) });
      judge.account.provider = { issuer: FEDERATION, jwks: federation as never, audience: 'sts.amazonaws.com' };
      judge.account.roles.set(ROLE, { subjects: (subject) => subject === SERVICE });
      const provider = nonceProvider({
        issuer: proxies.sso.url,
        keys: jwksIn('client-jwks.json').keys as never,
        secret: secret!,
        audience: AUDIENCE,
      });
      const handle = provider.callback();
      const sso = stack.use(await listen((request, response) => void handle(request, response)));
      proxies.sso.to(sso.url);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function pemOf(key: JsonWebKey): string {
  return createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString();
}

async function listen(listener: RequestListener): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
