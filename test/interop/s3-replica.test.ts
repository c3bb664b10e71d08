import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createHmac, hash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { ReplicaTarget } from '@tallystick/audit';
import { systemClock, systemTimers } from '@tallystick/core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { describeReplicaTarget } from '../../packages/audit/test/anchor/replica-target-contract.ts';
import { openTarget } from '../../sidecar/src/anchor/open-target.ts';
import { s3Requests, type S3Answer, type S3Request } from '../../sidecar/src/anchor/s3-requests.ts';
import type { S3Config } from '../../sidecar/src/config/config.ts';
import { startDaemon } from '../daemon/daemon.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { startMoto, type Moto } from '../servers/moto.ts';
import { describeWithServers } from '../servers/require-server.ts';

const SECRET = 'upstream-secret-key';
const alive = new AbortController().signal;

/** The signature of a request as AWS describes it (Signature Version 4, Create a signed request), by its own headers. */
function signatureOf({ method, url, headers }: IncomingMessage, secret: string): string {
  const [, day, signed] = /Credential=[^/]+\/(\d{8})\/.*SignedHeaders=([^,]+)/.exec(headers.authorization!)!;
  const { pathname, searchParams } = new URL(url!, 'http://bucket.example');
  const encoded = (text: string) =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).toSorted();
  const names = signed!.split(';');
  const canonical = [
    method,
    pathname,
    query.join('&'),
    ...names.map((name) => `${name}:${headers[name] as string}`),
    '',
    signed,
    headers['x-amz-content-sha256'],
  ].join('\n');
  const scope = `${day}/us-east-1/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash('sha256', canonical, 'hex')].join('\n');
  const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
  const key = ['us-east-1', 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day!));
  return hmac(key, text).toString('hex');
}

test('a request is signed over its method, path, query, body and conditions, as AWS checks it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-s3-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const credentials = join(folder, 'credentials');
  const lines = ['[default]', 'aws_access_key_id = AKIDEXAMPLE', `aws_secret_access_key = ${SECRET}`];
  writeFileSync(credentials, [...lines, 'aws_session_token = session+1', ''].join('\n'), { mode: 0o600 });
  const seen: { request: IncomingMessage; body: Buffer }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ request, body: Buffer.concat(chunks) });
      response.end('<ListBucketResult></ListBucketResult>');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config: S3Config = {
    kind: 's3',
    bucket: 'acme-audit',
    region: 'us-east-1',
    endpoint,
    prefix: 'eu/',
    credentials,
    retentionDays: 1,
    lock: 'compliance',
  };
  const target = await openTarget(config, { clock: systemClock, timers: systemTimers }, alive);
  await target.putIfAbsent('o/tile/0/000.p/9', Buffer.from('nine'));
  await target.get('o/anchored/1-a');
  await target.list('o/anchored', 'o/anchored/0000000000000009');
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  expect(seen.map(({ request }) => request.method)).toEqual(['PUT', 'GET', 'GET']);
  for (const { request, body } of seen) {
    const { authorization, ...headers } = request.headers;
    expect(authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/s3\/aws4_request, /);
    expect(/Signature=([0-9a-f]{64})$/.exec(authorization!)![1]).toBe(signatureOf(request, SECRET));
    expect(headers['x-amz-content-sha256']).toBe(hash('sha256', body, 'hex'));
    expect(headers['x-amz-security-token']).toBe('session+1');
  }
  const [{ request: put, body }] = seen as [(typeof seen)[0]];
  expect(String(body)).toBe('nine');
  expect(put.headers).toMatchObject({ 'if-none-match': '*', 'x-amz-object-lock-mode': 'COMPLIANCE' });
  const [, signed] = /SignedHeaders=([^,]+)/.exec(put.headers.authorization!)!;
  for (const name of ['host', 'if-none-match', 'x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date']) {
    expect(signed!.split(';')).toContain(name);
  }
});

describeWithServers(['moto'], 'a bucket with object lock', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-s3-'));
  const credentials = join(folder, 'credentials');
  let moto: Moto;
  let buckets = 0;

  beforeAll(async () => {
    writeFileSync(credentials, `[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = ${SECRET}\n`);
    chmodSync(credentials, 0o600);
    moto = await startMoto();
  });
  afterAll(async () => {
    await moto.stop();
    rmSync(folder, { recursive: true });
  });

  /** Where a new bucket is, and what asks it for more than a replica does. */
  async function newBucket(lock: S3Config['lock'] = 'compliance', hasLock = true) {
    const bucket = `acme-audit-${buckets++}`;
    const config: S3Config = {
      kind: 's3',
      bucket,
      region: 'us-east-1',
      endpoint: moto.url,
      prefix: 'tallystick/eu/',
      credentials,
      retentionDays: 400,
      lock,
    };
    const send = s3Requests(config, systemTimers, alive);
    const headers: Record<string, string> = hasLock ? { 'x-amz-bucket-object-lock-enabled': 'true' } : {};
    expect((await send({ method: 'PUT', headers })).status).toBe(200);
    return { config, ask: async (request: S3Request): Promise<S3Answer> => send(request) };
  }
  const targetOf = (config: S3Config, signal = alive): Promise<ReplicaTarget> =>
    openTarget(config, { clock: systemClock, timers: systemTimers }, signal);

  describeReplicaTarget('a bucket', async () => targetOf((await newBucket()).config));

  test.each(['compliance', 'governance'] as const)(
    'locks each object until its term is over, in mode %s',
    async (lock) => {
      const { config, ask } = await newBucket(lock);
      const beforeMs = Date.now();
      await (await targetOf(config)).putIfAbsent('o/tile/0/000', Buffer.from('x'));
      const scope = 'AKIDEXAMPLE/20261122/us-east-1/s3/aws4_request';
      const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=00`;
      const object = `${moto.url}/${config.bucket}/tallystick/eu/o/tile/0/000`;
      const { headers } = await fetch(object, { headers: { authorization } });
      expect(headers.get('x-amz-object-lock-mode')).toBe(lock.toUpperCase());
      const until = Date.parse(headers.get('x-amz-object-lock-retain-until-date')!);
      expect(until).toBeGreaterThanOrEqual(Math.floor(beforeMs / 1000) * 1000 + 400 * 86_400_000);
      const versions = (await ask({ method: 'GET', query: { versions: '' } })).body.toString();
      const [, versionId] = /<VersionId>([^<]+)</.exec(versions)!;
      const deleted = await ask({
        method: 'DELETE',
        key: 'tallystick/eu/o/tile/0/000',
        query: { versionId: versionId! },
      });
      expect(deleted.status).toBe(403);
    },
  );

  test('what is removed is hidden, and its version stays', async () => {
    const { config, ask } = await newBucket();
    const target = await targetOf(config);
    await target.putIfAbsent('o/tile/0/000.p/9', Buffer.from('x'));
    await target.remove('o/tile/0/000.p/9');
    const { body } = await ask({ method: 'GET', query: { versions: '' } });
    expect(body.toString()).toMatch(/<Version>[^]*000\.p\/9[^]*<\/Version>/);
  });

  test('lists more than a page', { timeout: 60_000 }, async () => {
    const { config } = await newBucket();
    const target = await targetOf(config);
    const paths = Array.from({ length: 1010 }, (_, i) => `o/anchored/${String(i).padStart(16, '0')}-00`);
    for (let i = 0; i < paths.length; i += 20) {
      await Promise.all(paths.slice(i, i + 20).map((path) => target.putIfAbsent(path, Buffer.from('x'))));
    }
    expect(await target.list('o/anchored')).toEqual(paths);
  });

  test('a bucket that is not there, or has no lock, is an error that says so, and no empty replica', async () => {
    const absent = await targetOf({ ...(await newBucket()).config, bucket: 'acme-absent' });
    await expect(absent.get('o/x')).rejects.toMatchObject({ code: 'NoSuchBucket' });
    await expect(absent.list('o')).rejects.toMatchObject({ code: 'NoSuchBucket' });
    await expect(absent.putIfAbsent('o/x', Buffer.from('x'))).rejects.toMatchObject({ code: 'NoSuchBucket' });
    const lockless = await targetOf((await newBucket('compliance', false)).config);
    await expect(lockless.putIfAbsent('o/x', Buffer.from('x'))).rejects.toThrow('has not taken an object: 400');
  });

  test('is asked with the credentials that the file has then, which are in no error', async () => {
    const { config } = await newBucket();
    const rotated = join(folder, 'rotated');
    const target = await targetOf({ ...config, credentials: rotated });
    const refused: unknown = await target.get('o/x').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'config_invalid' });
    writeFileSync(rotated, `[default]\naws_access_key_id = A\naws_secret_access_key = ${SECRET}\n`, { mode: 0o600 });
    expect(await target.get('o/x')).toBeUndefined();
    const gone = await targetOf({ ...config, endpoint: 'http://127.0.0.1:1' });
    const error: unknown = await gone.get('o/x').catch((each: unknown) => each);
    expect(error).toBeInstanceOf(TypeError);
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
  });

  test('that does not answer is given up by its signal at once', async () => {
    const server = createServer(() => stop.abort(new Error('the sidecar stops'))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const stop = new AbortController();
    const { config } = await newBucket();
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect((await targetOf({ ...config, endpoint }, stop.signal)).get('o/x')).rejects.toThrow(
      'the sidecar stops',
    );
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  test(
    'holds the record of a sidecar, which finds out by it that its state is an older copy',
    { timeout: 60_000 },
    async () => {
      const { config } = await newBucket();
      const s3 = `{ bucket: ${config.bucket}, region: us-east-1, endpoint: '${moto.url}', credentials: ${credentials}, retention: 1d }`;
      await using before = await startDaemon({
        edit: (text) => `${text}audit: { anchors: { interval: 1s }, replica: { s3: ${s3} } }\n`,
      });
      await before.logged('the replica anchors the record');
      expect(await before.kill('SIGTERM')).toBe(0);
      cpSync(join(before.folder, 'state'), join(folder, 'snapshot'), { recursive: true });
      const daemon = await before.again();
      expect(await daemon.logged('serving')).toMatchObject({ rollback: 'detectable' });
      expect((await (await socketClient(daemon.socket)).token()).status).toBe(200);
      expect(await daemon.kill('SIGTERM')).toBe(0);
      expect(daemon.output()).not.toContain(SECRET);
      rmSync(join(daemon.folder, 'state'), { recursive: true });
      cpSync(join(folder, 'snapshot'), join(daemon.folder, 'state'), { recursive: true });
      const refused = await daemon.again({ noWait: true });
      expect(await refused.ended).toBe(1);
      expect(refused.output()).toMatch(/has \d+ records, and \d+ were anchored/);
    },
  );
});
