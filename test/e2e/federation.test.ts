// What clouds read of a sidecar, by the commands that an operator has for it.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command, commandJson } from '../daemon/command.ts';
import { ISSUER, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { readRecords } from '../faults/record-files.ts';

const FEDERATION = 'https://identity.acme.example/eu-1';
const REASON = ['--reason', 'CHG-12'] as const;

interface Jwks {
  readonly keys: readonly Readonly<Record<string, string>>[];
}

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon({ edit: (config) => `${config}\nfederation: { url: ${FEDERATION} }\n` });
});
afterAll(() => daemon[Symbol.asyncDispose]());

const dir = (): string => join(daemon.folder, 'published');
const read = <T>(name: string): T => JSON.parse(readFileSync(join(dir(), name), 'utf8')) as T;
const kidsOf = (name: string): string[] => read<Jwks>(name).keys.map(({ kid }) => kid!);

test('a sidecar makes no key for upstreams until something needs it', () => {
  expect(readdirSync(join(daemon.folder, 'state/keys')).filter((name) => /client|federation/.test(name))).toEqual([]);
});

test('keys that stand in no file yet do not rotate', async () => {
  expect(await command(daemon, 'issuer', 'rotate', '--role', 'federation', ...REASON)).toMatchObject({
    status: 4,
    stderr: expect.stringContaining('tallystick issuer publish --dir DIR') as string,
  });
});

test('issuer publish writes what a cloud reads: public keys of the federation, and none of tokens', async () => {
  const { status, stdout, stderr } = await command(daemon, 'issuer', 'publish', '--dir', dir());
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout.trim().split('\n').sort()).toEqual(
    ['.well-known/openid-configuration', 'client-jwks.json', 'jwks.json', 'spiffe-bundle.json'].map((name) =>
      join(dir(), name),
    ),
  );
  expect(read('.well-known/openid-configuration')).toMatchObject({
    issuer: FEDERATION,
    jwks_uri: `${FEDERATION}/jwks.json`,
    id_token_signing_alg_values_supported: ['ES256', 'RS256'],
  });
  const { keys } = read<Jwks>('jwks.json');
  expect(keys.map(({ alg, kty, use }) => [alg, kty, use])).toEqual([
    ['ES256', 'EC', 'sig'],
    ['ES256', 'EC', 'sig'],
    ['RS256', 'RSA', 'sig'],
    ['RS256', 'RSA', 'sig'],
  ]);
  const bundle = read<Jwks>('spiffe-bundle.json');
  expect(bundle.keys).toEqual(keys.map((key) => ({ ...key, use: 'jwt-svid' })));
  const { value } = await commandJson(daemon, 'issuer', 'export');
  const { issuer, jwks } = value as unknown as { issuer: string; jwks: Jwks };
  expect(issuer).toBe(ISSUER);
  const published = [...kidsOf('jwks.json'), ...kidsOf('client-jwks.json')];
  expect(new Set([...published, ...jwks.keys.map(({ kid }) => kid)]).size).toBe(published.length + jwks.keys.length);
  for (const name of ['jwks.json', 'client-jwks.json']) {
    expect(statSync(join(dir(), name)).mode & 0o777).toBe(0o644);
    for (const key of read<Jwks>(name).keys)
      for (const member of ['d', 'p', 'q']) expect(key).not.toHaveProperty(member);
  }
  expect(readdirSync(dir()).sort()).toEqual(['.well-known', 'client-jwks.json', 'jwks.json', 'spiffe-bundle.json']);
});

test('a rotation signs with keys that were published, is on record, and asks to publish the next ones', async () => {
  const before = kidsOf('jwks.json');
  const { status, value } = await commandJson(daemon, 'issuer', 'rotate', '--role', 'federation', ...REASON);
  const { rotations } = value as unknown as { rotations: { kid: string; previous: string }[] };
  expect([status, rotations.length]).toEqual([0, 2]);
  for (const { kid, previous } of rotations) expect(before).toEqual(expect.arrayContaining([kid, previous]));
  const recorded = readRecords(daemon.folder).filter(({ type }) => type === 'issuer.key_rotated');
  expect(recorded.map(({ body: { kid, previous } }) => ({ kid, previous }))).toEqual(
    rotations.map(({ kid, previous }) => ({ kid, previous })),
  );
  expect(recorded.map(({ reason }) => reason)).toEqual(['CHG-12', 'CHG-12']);
  const again = await command(daemon, 'issuer', 'rotate', '--role', 'federation', ...REASON);
  expect(again).toMatchObject({ status: 4, stderr: expect.stringContaining('issuer publish') as string });

  await command(daemon, 'issuer', 'publish', '--dir', dir());
  expect(kidsOf('jwks.json')).toEqual(expect.arrayContaining(before));
  expect(kidsOf('jwks.json')).toHaveLength(6);
  const soon = await command(daemon, 'issuer', 'rotate', '--role', 'federation', ...REASON);
  expect(soon).toMatchObject({ status: 4, stderr: expect.stringMatching(/rotate again in 3\d\d\d s/) as string });
});

test.each([
  ['no folder is named', ['issuer', 'publish'], 2, '--dir DIR'],
  ['the folder cannot be made', ['issuer', 'publish', '--dir', '/dev/null/x'], 2, 'name a folder with --dir'],
  ['there is no such role', ['issuer', 'rotate', '--role', 'ca', ...REASON], 4, '"client" or "federation"'],
])('when %s, it says what to do', async (_what, argv, status, words) => {
  const answer = await command(daemon, ...argv);
  expect(answer).toMatchObject({ status, stderr: expect.stringContaining(words) as string });
});
