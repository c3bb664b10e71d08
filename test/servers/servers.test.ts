import { connect } from 'node:net';
import { once } from 'node:events';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startJaeger, type Jaeger } from './jaeger.ts';
import { startKubernetes, type Kubernetes } from './kubernetes.ts';
import { listeningAddresses } from './listening-addresses.ts';
import { startPostgres, type Postgres } from './postgres.ts';
import { startRedis, type Redis } from './redis.ts';
import { describeWithServers } from './require-server.ts';
import { startVault, type Vault } from './vault.ts';

describeWithServers(['jaeger'], 'the Jaeger of the tests', () => {
  let jaeger: Jaeger;
  beforeAll(async () => void (jaeger = await startJaeger()));
  afterAll(() => jaeger.stop());

  test('takes a span over OTLP and finds its trace by a tag', async () => {
    const nowNs = BigInt(Date.now()) * 1_000_000n;
    const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
    const accepted = await fetch(`${jaeger.otlpUrl}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        resourceSpans: [
          {
            resource: { attributes: [text('service.name', 'ledger')] },
            scopeSpans: [
              {
                spans: [
                  {
                    traceId: '5b8efff798038103d269b633813fc60c',
                    spanId: 'eee19b7ec3c1b174',
                    name: 'post journal',
                    kind: 2,
                    startTimeUnixNano: String(nowNs),
                    endTimeUnixNano: String(nowNs + 1000n),
                    attributes: [text('tallystick.identity.id', 'spiffe://acme.example/close-batch')],
                  },
                ],
              },
            ],
          },
        ],
      }),
    });
    expect(accepted.status).toBe(200);
    const tags = JSON.stringify({ 'tallystick.identity.id': 'spiffe://acme.example/close-batch' });
    const search = new URL(`${jaeger.queryUrl}/api/traces`);
    search.search = new URLSearchParams({ service: 'ledger', tags }).toString();
    // The collector queues what it accepted, so the trace may be there a moment after the answer.
    await expect
      .poll(async () => ((await (await fetch(search)).json()) as { data: { traceID: string }[] }).data[0]?.traceID, {
        timeout: 10_000,
      })
      .toBe('5b8efff798038103d269b633813fc60c');
  });

  test('listens on loopback only', () => {
    const listeners = listeningAddresses(jaeger.pid);
    expect(listeners.length).toBeGreaterThan(5);
    expect(listeners.filter((address) => address !== '0100007F')).toEqual([]);
  });
});

describeWithServers(['redis'], 'the Redis of the tests', () => {
  let redis: Redis;
  beforeAll(async () => void (redis = await startRedis()));
  afterAll(() => redis.stop());

  test('sets a key once when asked to set it only if it is new', async () => {
    const socket = connect(redis.port, '127.0.0.1');
    socket.write('SET proof 1 NX PX 60000\r\n');
    expect(String((await once(socket, 'data'))[0])).toBe('+OK\r\n');
    socket.write('SET proof 1 NX PX 60000\r\n');
    expect(String((await once(socket, 'data'))[0])).toBe('$-1\r\n');
    socket.destroy();
  });

  test('listens on loopback only', () => {
    expect(listeningAddresses(redis.pid)).toEqual(['0100007F']);
  });
});

describeWithServers(['vault'], 'the Vault of the tests', () => {
  let vault: Vault;
  beforeAll(async () => void (vault = await startVault({ storage: 'file' })));
  afterAll(() => vault?.stop());

  test('keeps what it was told while it is sealed, and while it is down', async () => {
    await vault.call('POST', 'sys/mounts/ledger', { type: 'kv', options: { version: '1' } });
    await vault.call('PUT', 'ledger/key', { value: 'canary' });
    const read = () => vault.call<{ data: { value: string } }>('GET', 'ledger/key').then(({ data }) => data.value);
    expect(await read()).toBe('canary');
    await vault.seal();
    await expect(read()).rejects.toMatchObject({ status: 503 });
    await vault.unseal();
    expect(await read()).toBe('canary');
    await vault.down();
    await expect(read()).rejects.toThrow('fetch failed');
    await vault.up();
    expect(await read()).toBe('canary');
  });

  test('refuses a token that it does not know', async () => {
    await expect(vault.call('GET', 'auth/token/lookup-self', undefined, 'nobody')).rejects.toMatchObject({
      status: 403,
    });
  });

  test('listens on loopback only', () => {
    expect(new Set(listeningAddresses(vault.pid))).toEqual(new Set(['0100007F']));
  });
});

describeWithServers(['postgres'], 'the PostgreSQL of the tests', () => {
  let postgres: Postgres;
  beforeAll(async () => void (postgres = await startPostgres()));
  afterAll(() => postgres?.stop());

  test('keeps what it was told while it is down', async () => {
    await withClient(postgres.url, (client) => client.query("create table journal as select 'canary' as entry"));
    await postgres.down();
    await expect(withClient(postgres.url, async () => {})).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await postgres.up();
    const { rows } = await withClient(postgres.url, (client) => client.query('select entry from journal'));
    expect(rows).toEqual([{ entry: 'canary' }]);
  });

  test('refuses a wrong password', async () => {
    const wrong = postgres.url.replace(postgres.superuser.password, 'wrong');
    await expect(withClient(wrong, async () => {})).rejects.toMatchObject({ code: '28P01' });
  });

  test('listens on loopback only', () => {
    expect(listeningAddresses(postgres.pid)).toEqual(['0100007F']);
  });
});

describeWithServers(['kube-apiserver', 'etcd'], 'the Kubernetes of the tests', () => {
  let kubernetes: Kubernetes;
  beforeAll(async () => {
    kubernetes = await startKubernetes();
    await kubernetes.makeServiceAccount('payments', 'close-batch');
    await kubernetes.makeServiceAccount('vault', 'reviewer');
    await kubernetes.allowTokenReview('vault', 'reviewer');
  });
  afterAll(() => kubernetes?.stop());

  const review = (token: string, asker: string) =>
    kubernetes.call<{ status: { authenticated?: boolean; user?: { username: string } } }>(
      'POST',
      '/apis/authentication.k8s.io/v1/tokenreviews',
      { spec: { token, audiences: ['https://vault.acme.example'] } },
      asker,
    );

  test('tells a reviewer whose token one is, for its audience alone', async () => {
    const reviewer = await kubernetes.tokenOf('vault', 'reviewer');
    const token = await kubernetes.tokenOf('payments', 'close-batch', ['https://vault.acme.example']);
    expect(claimsOf(token)).toMatchObject({ iss: kubernetes.issuer });
    expect((await review(token, reviewer)).status).toMatchObject({
      authenticated: true,
      user: { username: 'system:serviceaccount:payments:close-batch' },
    });
    const forOthers = await kubernetes.tokenOf('payments', 'close-batch', ['https://others.example']);
    expect((await review(forOthers, reviewer)).status.authenticated).toBeUndefined();
  });

  test('lets nobody review tokens who is not allowed to (RBAC)', async () => {
    const token = await kubernetes.tokenOf('payments', 'close-batch');
    await expect(review(token, token)).rejects.toMatchObject({ status: 403 });
  });

  test('listens on loopback only', () => {
    expect(new Set(listeningAddresses(kubernetes.pid))).toEqual(new Set(['0100007F']));
  });
});

function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
}

async function withClient<T>(connectionString: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString });
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end();
  }
}
