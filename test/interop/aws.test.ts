// The sidecar, the SDK and AWS's own clients together: sessions by the sidecar's real federation before a strict STS of
// ours, and by an access key before moto, which knows the sessions it gave.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '@tallystick/core';
import { connect, type Identity } from '@tallystick/sdk';
import type { JSONWebKeySet } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFederation } from '../../sidecar/test/providers/aws/aws-provider.ts';
import { REGION, startStsJudge, type StsJudge } from '../../sidecar/test/providers/aws/sts-judge.ts';
import { STS_LIMITS, SUBJECT_LIMITS } from '../../sidecar/test/providers/aws/sts-limits.ts';
import { MAX_SESSION_SECONDS, MIN_SESSION_SECONDS } from '../../sidecar/src/providers/aws/session.ts';
import { command } from '../daemon/command.ts';
import { oneService, SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { filesIn } from '../daemon/files-in.ts';
import { FROM_SOURCES, startProgram, type Program } from '../daemon/program.ts';
import { readRecords } from '../faults/record-files.ts';
import { startMoto, type Moto } from '../servers/moto.ts';
import { describeWithServers, requireServer } from '../servers/require-server.ts';
import type { AwsCall, AwsResult } from './programs/aws-client.ts';

const FEDERATION = 'https://identity.acme.example';
const AUDIENCE = 'sts.amazonaws.com';
const ROLE = 'arn:aws:iam::123456789012:role/payments/ledger-writer';
const KEY = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'canary/base+secret0key' };

/** Starts a sidecar with credentials of AWS at `url`, and connects to it as its service. */
async function startWith(url: string, auth: string, credentials: Readonly<Record<string, string>>) {
  const names = Object.keys(credentials);
  const daemon = await startDaemon({
    registry: oneService('https://unused.acme.example/', '15m')
      .replace('[ledger-api]', `[ledger-api, ${names.join(', ')}]`)
      .concat(
        ...names.map((name) => `  ${name}: { provider: aws-eu, ${credentials[name]} }\n`),
        `federation: { url: ${FEDERATION} }\n`,
        'providers:\n',
        `  aws-eu: { type: aws, region: ${REGION}, auth: ${auth}, endpoints: { sts: '${url}', secretsmanager: '${url}' } }\n`,
      ),
    edit: (config) => config.replace('FOLDER', /^state: (.+)\/state$/m.exec(config)![1]!),
  });
  writeFileSync(
    join(daemon.folder, 'aws-credentials'),
    `[default]\naws_access_key_id = ${KEY.accessKeyId}\naws_secret_access_key = ${KEY.secretAccessKey}\n`,
    { mode: 0o600 },
  );
  return { daemon, identity: await connect({ socket: daemon.socket }) };
}

/** All that a sidecar has written, but the file of its access key. */
function writtenBy(daemon: Daemon): string[] {
  const files = filesIn(daemon.folder)
    .filter(({ name }) => name !== 'aws-credentials')
    .map(({ content }) => content.toString('latin1'));
  return [...files, daemon.output()];
}

const PATH_ALONE = { PATH: process.env.PATH ?? '' };

/** The Python that has what moto is made of. In an environment of its own moto has it beside itself. */
function pythonOfMoto(): string {
  const beside = join(dirname(requireServer('moto')), 'python3');
  return existsSync(beside) ? beside : 'python3';
}

/** A service that speaks with AWS by AWS's own clients. */
class AwsService {
  readonly #program: Program;
  readonly #endpoint: string;
  #calls = 0;

  constructor(endpoint: string, socket = '') {
    this.#endpoint = endpoint;
    this.#program = startProgram({
      command: [process.execPath, ...FROM_SOURCES, join(import.meta.dirname, 'programs/aws-client.ts')],
      cwd: import.meta.dirname,
      env: { TALLYSTICK_SOCKET: `unix://${socket}`, AWS_EC2_METADATA_DISABLED: 'true' },
    });
  }

  async call(
    service: AwsCall['service'],
    command: string,
    input: object,
    credentials: AwsCall['credentials'],
    movedMs = 0,
  ): Promise<AwsResult> {
    const id = this.#calls++;
    const call: AwsCall = {
      id,
      service,
      command,
      input,
      endpoint: this.#endpoint,
      region: REGION,
      credentials,
      movedMs,
    };
    this.#program.send(JSON.stringify(call));
    return (await this.#program.line((line) => line.id === id)) as unknown as AwsResult;
  }

  async stop(): Promise<void> {
    await this.#program.kill('SIGKILL');
  }
}

describe('a strict STS', () => {
  let judge: StsJudge;
  let stock: AwsService;

  beforeAll(async () => {
    judge = await startStsJudge(systemClock);
    stock = new AwsService(judge.url);
    judge.account.keys.set(KEY.accessKeyId, { secretAccessKey: KEY.secretAccessKey });
    judge.account.roles.set(ROLE, { principals: [KEY.accessKeyId], subjects: (subject) => subject === SERVICE });
  });
  afterAll(async () => {
    await stock?.stop();
    await judge?.close();
  });

  test("takes what AWS's own client sends to assume a role", async () => {
    const { result } = await stock.call(
      'sts',
      'AssumeRole',
      {
        RoleArn: ROLE,
        RoleSessionName: 'stock@client',
        DurationSeconds: 900,
        SourceIdentity: 'stock',
        Tags: [{ Key: 'team', Value: 'payments + ledger' }],
        Policy: '{"Version":"2012-10-17","Statement":[]}',
      },
      KEY,
    );
    expect(judge.refusals).toEqual([]);
    expect(judge.sessions.at(-1)).toMatchObject({
      accessKeyId: (result!.Credentials as { AccessKeyId: string }).AccessKeyId,
      sourceIdentity: 'stock',
      tags: { team: 'payments + ledger' },
    });
  });

  test("takes what AWS's own client sends with a web identity", async () => {
    const federation = await createFederation();
    judge.account.provider = { issuer: FEDERATION, jwks: federation.jwks, audience: AUDIENCE };
    const now = Math.floor(Date.now() / 1000);
    const token = await federation.sign({ aud: AUDIENCE, sub: SERVICE, iat: now, exp: now + 60 });
    const input = { RoleArn: ROLE, RoleSessionName: 'stock', WebIdentityToken: token };
    expect((await stock.call('sts', 'AssumeRoleWithWebIdentity', input, KEY)).error).toBeUndefined();
    expect(judge.sessions.at(-1)).toMatchObject({ subject: SERVICE, seconds: 3600 });
  });

  test("takes what AWS's own client sends to read a secret", async () => {
    judge.account.readers.add(KEY.accessKeyId);
    judge.account.secrets.set('prod/ledger', [{ id: 'a'.repeat(32), stages: ['AWSCURRENT'], text: '{}' }]);
    const read = await stock.call('secretsmanager', 'GetSecretValue', { SecretId: 'prod/ledger' }, KEY);
    expect(read.result).toMatchObject({ SecretString: '{}' });
  });

  test('refuses in a way that this client reads as a refusal of AWS', async () => {
    const input = { RoleArn: `${ROLE}-other`, RoleSessionName: 'stock' };
    expect(await stock.call('sts', 'AssumeRole', input, KEY)).toMatchObject({ error: 'AccessDenied' });
    const absent = await stock.call('secretsmanager', 'GetSecretValue', { SecretId: 'prod/absent' }, KEY);
    expect(absent).toMatchObject({ error: 'ResourceNotFoundException' });
  });

  test('takes the published federation of a sidecar, and gives a session that leads to its lease', async () => {
    const { daemon, identity } = await startWith(judge.url, '{ method: web-identity }', { ledger: `role: '${ROLE}'` });
    try {
      const www = join(daemon.folder, 'www');
      expect(await command(daemon, 'issuer', 'publish', '--dir', www)).toMatchObject({ status: 0 });
      const jwks = JSON.parse(readFileSync(join(www, 'jwks.json'), 'utf8')) as JSONWebKeySet;
      judge.account.provider = { issuer: FEDERATION, jwks, audience: AUDIENCE };
      const credential = await identity.credential('ledger', 'aws');
      expect(credential).toMatchObject({ binding: 'sigv4', delivery: 'sealed', accountId: '123456789012' });
      expect(judge.sessions.at(-1)).toMatchObject({
        accessKeyId: credential.accessKeyId,
        subject: SERVICE,
        sourceIdentity: 'payments+close-batch@acme.example',
        sessionName: `${credential.leaseId}@payments+close-batch`,
      });
      const released = readRecords(daemon.folder).find(({ type }) => type === 'credential.released');
      expect(released).toMatchObject({
        lease: credential.leaseId,
        body: { binding: 'sigv4', provider: 'aws-eu', handles: { accessKeyId: credential.accessKeyId } },
      });
      const { accessKeyId, secretAccessKey, sessionToken } = credential;
      expect(accessKeyId).toMatch(/^ASIA/);
      const tokens = judge.received.map(({ body }) => new URLSearchParams(body).get('WebIdentityToken') ?? '');
      for (const secret of [secretAccessKey.reveal(), sessionToken.reveal(), tokens.at(-1)!]) {
        expect(secret.length).toBeGreaterThan(20);
        expect(writtenBy(daemon).filter((text) => text.includes(secret))).toEqual([]);
      }
    } finally {
      await identity.close();
      await daemon[Symbol.asyncDispose]();
    }
  }, 60_000);
});

describeWithServers(['moto'], 'moto', () => {
  let moto: Moto;
  let daemon: Daemon;
  let identity: Identity;
  let service: AwsService;

  beforeAll(async () => {
    moto = await startMoto();
    ({ daemon, identity } = await startWith(moto.url, '{ method: file, path: FOLDER/aws-credentials }', {
      ledger: `role: '${ROLE}'`,
      'ledger-key': 'secret: prod/ledger',
      absent: 'secret: prod/absent',
    }));
    service = new AwsService(moto.url, daemon.socket);
  }, 60_000);
  afterAll(async () => {
    await service?.stop();
    await identity?.close();
    await daemon?.[Symbol.asyncDispose]();
    await moto?.stop();
  });

  test("knows the session that AWS's own client signs with", async () => {
    const { result } = await service.call('sts', 'GetCallerIdentity', {}, 'ledger');
    expect(result).toMatchObject({ Account: '123456789012' });
    expect(result!.Arn).toMatch(/:assumed-role\/(payments\/)?ledger-writer\/ls_[0-9A-Z]{26}@payments\+close-batch$/);
    const [, leaseId] = /(ls_\w+)@/.exec(result!.Arn as string)!;
    expect(readRecords(daemon.folder).find(({ lease }) => lease === leaseId)).toBeDefined();
  });

  test("AWS's own client asks for its credentials again each minute, and not between", async () => {
    const askedAfter = async (ms: number): Promise<number> =>
      (await service.call('sts', 'GetCallerIdentity', {}, 'ledger', ms)).asked;
    const first = await askedAfter(0);
    expect(await askedAfter(50_000)).toBe(first);
    expect(await askedAfter(61_000)).toBe(first + 1);
    expect(await askedAfter(110_000)).toBe(first + 1);
    expect(await askedAfter(122_000)).toBe(first + 2);
    await askedAfter(0);
  });

  test('the limits of the strict STS are those of the model that botocore ships', async () => {
    const script = [
      'import botocore.loaders, json',
      'shapes = botocore.loaders.Loader().load_service_model("sts", "service-2")["shapes"]',
      'print(json.dumps({name: {key: shape.get(key) for key in ("min", "max", "pattern")} for name, shape in shapes.items()}))',
    ];
    const { stdout } = await promisify(execFile)(pythonOfMoto(), ['-c', script.join('\n')], { env: PATH_ALONE });
    const model = JSON.parse(stdout) as Record<string, { min: number; max: number; pattern: string | null }>;
    const SHAPES = {
      RoleSessionName: 'roleSessionNameType',
      SourceIdentity: 'sourceIdentityType',
      ExternalId: 'externalIdType',
      Key: 'tagKeyType',
      Value: 'tagValueType',
    } as const;
    for (const [name, shape] of Object.entries(SHAPES)) {
      const { min, max, pattern } = STS_LIMITS[name as keyof typeof SHAPES];
      const published = model[shape]!;
      expect({ name, min, max, pattern: pattern.source }).toEqual({
        name,
        min: published.min,
        max: published.max,
        pattern: `^${published.pattern!.replaceAll('\\/', '/')}$`,
      });
    }
    expect(model.webIdentitySubjectType).toMatchObject({ min: SUBJECT_LIMITS.min, max: SUBJECT_LIMITS.max });
    expect(model.clientTokenType).toMatchObject({ min: 4, max: STS_LIMITS.WebIdentityToken.max });
    expect(model.sessionPolicyDocumentType).toMatchObject({ min: 1, max: STS_LIMITS.Policy.max });
    expect(model.roleDurationSecondsType).toMatchObject({ min: MIN_SESSION_SECONDS, max: MAX_SESSION_SECONDS });
    expect(model.tagListType).toMatchObject({ max: 50 });
  }, 30_000);

  test('knows the session that botocore signs with', async () => {
    const { accessKeyId, secretAccessKey, sessionToken, leaseId } = await identity.credential('ledger', 'aws');
    const script =
      'import boto3,os;print(boto3.client("sts",endpoint_url=os.environ["URL"]).get_caller_identity()["Arn"])';
    const { stdout } = await promisify(execFile)(pythonOfMoto(), ['-c', script], {
      env: {
        ...PATH_ALONE,
        URL: moto.url,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey.reveal(),
        AWS_SESSION_TOKEN: sessionToken.reveal(),
        AWS_DEFAULT_REGION: REGION,
      },
    });
    expect(stdout).toContain(leaseId);
  }, 30_000);

  test('gives a secret, and its next version when that is asked for', async () => {
    const created = { Name: 'prod/ledger', SecretString: '{"apiKey":"canary-one"}' };
    expect((await service.call('secretsmanager', 'CreateSecret', created, KEY)).error).toBeUndefined();
    const first = await identity.credential('ledger-key', 'secret');
    expect(first.values.apiKey!.reveal()).toBe('canary-one');
    const put = { SecretId: 'prod/ledger', SecretString: '{"apiKey":"canary-two"}' };
    expect((await service.call('secretsmanager', 'PutSecretValue', put, KEY)).error).toBeUndefined();
    await identity.release(first);
    const second = await identity.credential('ledger-key', 'secret');
    expect(second.values.apiKey!.reveal()).toBe('canary-two');
    expect(second.version).not.toBe(first.version);
    // A session that was handed out reads the same.
    const read = await service.call('secretsmanager', 'GetSecretValue', { SecretId: 'prod/ledger' }, 'ledger');
    expect(read.result).toMatchObject({ VersionId: second.version });
    for (const canary of ['canary-one', 'canary-two', KEY.secretAccessKey]) {
      expect(writtenBy(daemon).filter((text) => text.includes(canary))).toEqual([]);
    }
  });

  test('says that a secret is not there', async () => {
    await expect(identity.credential('absent', 'secret')).rejects.toMatchObject({ code: 'upstream_not_found' });
  });

  test('a trial of each credential says what is missing, in words to paste', async () => {
    const { status, stdout } = await command(daemon, 'check', '--online');
    expect(status).not.toBe(0);
    expect(stdout).toContain(`role ${ROLE}`);
    expect(stdout).toContain('secret prod/absent');
    expect(stdout).toContain('"aws-eu" answered ResourceNotFoundException to GetSecretValue');
  }, 30_000);

  test('a suspension reaches clients of AWS with their next question, a minute later at the most', async () => {
    expect((await service.call('sts', 'GetCallerIdentity', {}, 'ledger')).error).toBeUndefined();
    const suspended = await command(daemon, 'identities', 'suspend', SERVICE, '--reason', 'test');
    expect(suspended).toMatchObject({ status: 0 });
    // Each time a minute later: the first may be before the event has reached the service.
    let minutes = 0;
    await expect
      .poll(async () => (await service.call('sts', 'GetCallerIdentity', {}, 'ledger', ++minutes * 61_000)).error ?? '')
      .toMatch(/^(identity_suspended|credential_revoked)$/);
    expect(minutes).toBeLessThan(10);
  }, 30_000);
});
