import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatVkey, KEY_TYPE, publicNoteKey } from '@tallystick/audit';
import { afterAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { readAwsCredentials } from '../../src/config/aws-credentials.ts';
import { GOOD } from './good-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'tallystick-anchor-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const clock = { nowMs: () => Date.parse('2026-11-22T12:00:00Z') };
const path = (name: string): string => join(folder, name);

const witness = (name: string): string => {
  const { privateKey } = generateKeyPairSync('ed25519');
  return formatVkey(publicNoteKey({ name, privateKey }, KEY_TYPE.cosignature));
};
const W1 = witness('w1.example');
const W2 = witness('w2.example');

/** Loads a configuration with this `audit`, and returns where its mistakes are and what they say. */
async function mistakesOf(audit: string): Promise<readonly string[]> {
  writeFileSync(path('tallystick.yaml'), GOOD.replace('issuer: {', `audit: ${audit}\nissuer: {`));
  const result = await loadConfig(path('tallystick.yaml'), { clock });
  return result.ok ? [] : result.mistakes.map((each) => `${each.line} ${each.path}: ${each.message}; ${each.remedy}`);
}

function policyMistakes(policy: string): Promise<readonly string[]> {
  writeFileSync(path('policy'), policy);
  return mistakesOf(`{ anchors: { policy: ${path('policy')} } }`);
}

test('a policy of witnesses with URLs, whose quorum they reach, has no mistake', async () => {
  expect(await policyMistakes(`witness w1 ${W1} https://w1.example\nquorum w1\n`)).toEqual([]);
  const group = `witness w1 ${W1} https://w1.example/x\nwitness w2 ${W2}\ngroup some any w1 w2\nquorum some\n`;
  expect(await policyMistakes(group)).toEqual([]);
});

test.each([
  ['a line that it has not', 'witnes w1\n', 'is no policy: line 1 of the policy: it begins with log, witness'],
  ['a key that is none', 'witness w1 x+1+y https://w1.example\nquorum w1\n', 'is no policy: '],
  ['no quorum', `witness w1 ${W1} https://w1.example\n`, 'is no policy: a policy has a line with its quorum'],
  ['a quorum of nobody', `witness w1 ${W1} https://w1.example\nquorum none\n`, 'that asks for no witness'],
  [
    'a quorum out of reach',
    `witness w1 ${W1} https://w1.example\nwitness w2 ${W2}\ngroup both all w1 w2\nquorum both\n`,
    'has a quorum that its witnesses with a URL do not reach',
  ],
  ['another scheme', `witness w1 ${W1} ftp://w1.example\nquorum w1\n`, 'a witness whose URL is not https or http'],
])('a policy with %s is a mistake at the line that names it', async (_, policy, message) => {
  const [mistake, ...more] = await policyMistakes(policy);
  expect(mistake).toMatch(/^7 audit\.anchors\.policy: "policy" names a/);
  expect(mistake).toContain(message);
  expect(more).toEqual([]);
});

test('a file that is missing, a folder or a pipe is a mistake, and nothing waits for it', async () => {
  execFileSync('mkfifo', [path('pipe')]);
  for (const [name, message] of [
    ['absent', 'names a file that is not there; write it, or correct the path'],
    ['.', 'names what is not a regular file'],
    ['pipe', 'names what is not a regular file'],
  ] as const) {
    const [mistake] = await mistakesOf(`{ anchors: { policy: ${join(folder, name)} } }`);
    expect(mistake).toContain(message);
  }
});

const S3 = `{ replica: { s3: { bucket: acme-audit, region: eu-central-1, retention: 400d, credentials: ${path('s3')} } } }`;
const KEY =
  '[other]\naws_access_key_id = X\n\n[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key=c2VjcmV0/+x=\n';

test('credentials of an object store are the profile "default", for nobody else to read', async () => {
  writeFileSync(path('s3'), KEY, { mode: 0o600 });
  expect(await mistakesOf(S3)).toEqual([]);
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'c2VjcmV0/+x=', sessionToken: undefined };
  expect(await readAwsCredentials(path('s3'), 'default')).toEqual({ ok: true, credentials });
  writeFileSync(path('s3'), `${KEY}aws_session_token = t\r\n[more]\naws_access_key_id = Y\n`);
  expect(await readAwsCredentials(path('s3'), 'default')).toEqual({
    ok: true,
    credentials: { ...credentials, sessionToken: 't' },
  });
});

test.each([
  [0o644, KEY, 'names a file that others may read, or its group may write; run "chmod 600" on it'],
  [0o620, KEY, 'names a file that others may read, or its group may write'],
  [0o600, '', 'names a file without a whole access key'],
  [0o600, KEY.replace('[default]', '[prod]'), 'names a file without a whole access key'],
  [0o600, KEY.replace('aws_secret_access_key', 'secret'), 'names a file without a whole access key'],
])('credentials of mode %o are a mistake that says none of them: %j', async (mode, text, message) => {
  writeFileSync(path('s3'), text);
  chmodSync(path('s3'), mode);
  const [mistake, ...more] = await mistakesOf(S3);
  expect(mistake).toMatch(/^7 audit\.replica\.s3\.credentials: "credentials" /);
  expect(mistake).toContain(message);
  expect(mistake).not.toMatch(/AKID|c2Vj/);
  expect(more).toEqual([]);
});

test('a record in memory is good for production where it has a replica on a disk, and not where that is in memory too', async () => {
  const inMemory = (replica: string): Promise<readonly string[]> => {
    const text = GOOD.replace(/state: .*/, 'state: /dev/shm/tallystick-test-that-is-not-there').replace(
      'issuer: {',
      `audit: { replica: { folder: ${replica} } }\nissuer: {`,
    );
    writeFileSync(path('memory.yaml'), text);
    return loadConfig(path('memory.yaml'), { clock }).then((result) =>
      result.ok ? [] : result.mistakes.map(({ message }) => message),
    );
  };
  expect(await inMemory('/srv/replica')).toEqual([]);
  expect(await inMemory('/dev/shm/replica')).toEqual([expect.stringContaining('its records would be in memory')]);
});
