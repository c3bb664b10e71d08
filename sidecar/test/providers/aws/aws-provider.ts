import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leaseId, systemRandom, type Clock, type IdentityObject } from '@tallystick/core';
import { exportJWK, SignJWT, type JSONWebKeySet, type JWTPayload } from 'jose';
import { onTestFinished } from 'vitest';
import type { Fault } from '../../../src/config/fault.ts';
import { awsKind, type AwsSettings, type AwsWanted } from '../../../src/providers/aws.ts';
import type { MintOrder, Provider, ProviderContext } from '../../../src/providers/provider.ts';
import { identity } from '../../acme.ts';
import { manualTime } from '../../manual-time.ts';
import { REGION, startStsJudge, type StsJudge } from './sts-judge.ts';
import { noSecrets } from '../contract-context.ts';

export const FEDERATION = 'https://identity.acme.example';
export const AUDIENCE = 'sts.amazonaws.com';
export const SIDECAR_ID = '01K0000000000000000000SIDE';
export const ROLE = 'arn:aws:iam::123456789012:role/payments/ledger-writer';
export const BROKER = 'arn:aws:iam::123456789012:role/tallystick-broker';
export const ACCESS_KEY = { id: 'AKIAIOSFODNN7EXAMPLE', secret: 'canary/base+secret0key' };

/** A federation of ours: its published keys, and what signs as the context of a provider does. */
export interface Federation {
  readonly issuer: string;
  readonly jwks: JSONWebKeySet;
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>;
  /** Every token that was signed. */
  readonly signed: readonly string[];
}

export async function createFederation(issuer = FEDERATION): Promise<Federation> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'federation-1', alg: 'ES256', use: 'sig' };
  const signed: string[] = [];
  return {
    issuer,
    jwks: { keys: [jwk] },
    signed,
    async sign(claims) {
      const token = await new SignJWT({ ...claims, iss: issuer } as JWTPayload)
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: jwk.kid })
        .sign(privateKey);
      signed.push(token);
      return token;
    },
  };
}

/** Returns what the kind reads of `settings` and `wanted`, and what it finds wrong with them. */
export function configured(
  settings: object,
  wanted: object,
): { settings: AwsSettings; wanted: AwsWanted; faults: Fault[] } {
  const faults: Fault[] = [];
  const report = (fault: Fault): void => void faults.push(fault);
  const read = awsKind.settings.read({ type: 'aws', region: REGION, ...settings }, ['providers', 'aws-eu'], report);
  const asked = awsKind.credential.read({ provider: 'aws-eu', ...wanted }, ['credentials', 'ledger'], report);
  if (faults.length === 0) {
    awsKind.judge?.(asked as AwsWanted, read as AwsSettings, ['credentials', 'ledger'], report);
  }
  return { settings: read as AwsSettings, wanted: asked as AwsWanted, faults };
}

/** A provider before a judge. */
export interface JudgedProvider {
  readonly judge: StsJudge;
  readonly time: ReturnType<typeof manualTime>;
  readonly federation: Federation;
  readonly provider: Provider<AwsWanted>;
  /** Lines of its log. */
  readonly logged: string[];
  order(members?: Partial<MintOrder<AwsWanted>>): MintOrder<AwsWanted>;
}

/** Opens the provider of a configuration before a judge of its own. Both end with the test. */
export async function judgedProvider(auth: object, wanted: object): Promise<JudgedProvider> {
  const time = manualTime();
  const judge = await startStsJudge(time);
  onTestFinished(() => judge.close());
  // The judge shows its files too, as a web server would.
  const federation = await createFederation(judge.url);
  judge.files.set('/jwks.json', federation.jwks);
  judge.files.set('/.well-known/openid-configuration', {
    issuer: judge.url,
    jwks_uri: `${judge.url}/jwks.json`,
  });
  const {
    settings,
    wanted: asked,
    faults,
  } = configured({ auth, endpoints: { sts: judge.url, secretsmanager: judge.url } }, wanted);
  if (faults.length > 0) throw new Error(JSON.stringify(faults));
  const logged: string[] = [];
  const provider = await awsKind.open(settings, context(time, federation, logged));
  onTestFinished(() => provider.close());
  return {
    judge,
    time,
    federation,
    provider,
    logged,
    order: (members) => mintOrder(time, asked, members),
  };
}

export function context(
  clock: Clock & ProviderContext['timers'],
  federation: Federation,
  logged: string[],
): ProviderContext {
  const log = new Proxy(
    {},
    {
      get:
        () =>
        (...words: unknown[]) =>
          logged.push(JSON.stringify(words)),
    },
  );
  return {
    name: 'aws-eu',
    trustDomain: 'acme.example',
    sidecarId: SIDECAR_ID,
    clock,
    timers: clock,
    random: systemRandom,
    log: log as ProviderContext['log'],
    sign: (role, claims) => {
      if (role !== 'federation') throw new Error(`signed as ${role}`);
      return federation.sign(claims);
    },
    ownSecrets: noSecrets,
    memory: {
      read: async () => undefined,
      write: async () => {
        throw new Error('nothing of AWS is kept');
      },
    },
  } as ProviderContext;
}

export function mintOrder(
  clock: Pick<Clock, 'nowMs'>,
  wanted: AwsWanted,
  members: Partial<MintOrder<AwsWanted>> = {},
): MintOrder<AwsWanted> {
  const whose: IdentityObject = identity('payments/close-batch');
  return {
    leaseId: leaseId(clock, systemRandom),
    name: 'ledger',
    wanted,
    lifetimeMs: 3_600_000,
    identity: whose,
    process: { id: 'BP-1042', run: '2026-11' },
    applicant: { jkt: 'thumbprint' },
    keep: async () => {
      throw new Error('nothing of AWS can be ended');
    },
    signal: new AbortController().signal,
    ...members,
  } as MintOrder<AwsWanted>;
}

const OWN_KEY = `[default]\naws_access_key_id = ${ACCESS_KEY.id}\naws_secret_access_key = ${ACCESS_KEY.secret}\n`;

/** Writes a credentials file, by default with {@link ACCESS_KEY}; `finished` says when it goes: with the test. */
export function credentialsFile(text = OWN_KEY, finished: (remove: () => void) => void = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-aws-'));
  finished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'credentials');
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}
