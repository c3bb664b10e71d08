import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { MAX_FILE_BYTES } from '../../src/config/parse-config.ts';
import { GOOD } from './good-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'tallystick-load-'));
const clock = { nowMs: () => Date.parse('2026-11-22T12:00:00Z') };
afterAll(() => rmSync(folder, { recursive: true }));

async function messageFor(path: string): Promise<string | undefined> {
  const result = await loadConfig(path, { clock });
  return result.ok ? undefined : result.mistakes[0]?.message;
}

test('a file gives its configuration, text and digest', async () => {
  const path = join(folder, 'good.yaml');
  writeFileSync(path, GOOD);
  expect(await loadConfig(path, { clock })).toMatchObject({
    ok: true,
    loaded: { text: GOOD, digest: expect.stringMatching(/^[\w-]{43}$/) as string, warnings: [] },
  });
});

test('warnings have the line of what they are about, wherever sorting put it', async () => {
  const path = join(folder, 'warnings.yaml');
  const first =
    '  - { id: spiffe://acme.example/z, owner: a, purpose: p, environment: e, expires: 2026-01-01, match: [unix:uid:9] }\n';
  writeFileSync(path, GOOD.replace('  - id:', `${first}  - id:`));
  expect(await loadConfig(path, { clock })).toMatchObject({
    loaded: { warnings: [{ code: 'identity_expired', line: 9, path: 'identities[0].expires' }] },
  });
});

test('a workload that owns the file is warned of from what the file system says', async () => {
  const path = join(folder, 'owned.yaml');
  writeFileSync(path, GOOD);
  chmodSync(path, 0o666);
  expect(await loadConfig(path, { clock })).toMatchObject({
    loaded: { warnings: [{ code: 'file_writable', line: 1 }] },
  });
});

describe('in production the user of the sidecar is no identity', () => {
  const write = (match: string, environment = 'production'): string => {
    const path = join(folder, 'own-uid.yaml');
    writeFileSync(path, GOOD.replace('match: [unix:uid:1001]', match).replace('production', environment));
    return path;
  };
  const judge = (path: string) => loadConfig(path, { clock, sidecarUid: 4321 });

  test.each([
    'match: [unix:uid:4321]',
    'match: [unix:uid:4321, unix:gid:7]',
    'matchAny: [[unix:uid:9], [unix:uid:4321]]',
  ])('so %s is refused with its line and remedy', async (match) => {
    const result = await judge(write(match));
    expect(result).toMatchObject({
      ok: false,
      mistakes: [
        {
          line: 14,
          path: `identities[0].${match.split(':')[0]}`,
          message:
            'spiffe://acme.example/payments/close-batch runs in production as the user of the sidecar, and can read its keys',
          remedy: expect.stringContaining('a user of its own') as string,
        },
      ],
    });
  });

  test('elsewhere it is warned of, and a socket of the workload tells it apart', async () => {
    const warned = { ok: true, loaded: { warnings: [{ code: 'state_readable' }] } };
    expect(await judge(write('match: [unix:uid:4321]', 'staging'))).toMatchObject(warned);
    expect(await judge(write('match: [unix:uid:4321, tallystick:socket:default]'))).toMatchObject(warned);
    expect(await judge(write('match: [unix:uid:4320]'))).toMatchObject({ ok: true, loaded: { warnings: [] } });
  });

  test('also where only the owner of the keys tells which user that is', async () => {
    const state = join(folder, 'state');
    mkdirSync(join(state, 'keys'), { recursive: true, mode: 0o700 });
    const path = write(`match: [unix:uid:${process.getuid!()}]`);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^state: .*$/m, `state: ${state}`));
    expect(await loadConfig(path, { clock })).toMatchObject({ ok: false, mistakes: [{ line: 14 }] });
  });
});

test('what is not a readable text file is refused in words', async () => {
  expect(await messageFor(join(folder, 'absent.yaml'))).toBe('the file is not there');
  expect(await messageFor(folder)).toMatch(/^the file is (a folder|not a regular file)$/);

  writeFileSync(join(folder, 'latin.yaml'), Buffer.from('purpose: Löhne', 'latin1'));
  expect(await messageFor(join(folder, 'latin.yaml'))).toBe('the file is not UTF-8');

  writeFileSync(join(folder, 'huge.yaml'), '');
  truncateSync(join(folder, 'huge.yaml'), MAX_FILE_BYTES + 1);
  expect(await messageFor(join(folder, 'huge.yaml'))).toBe('the file is larger than 8 MiB');
  // Sparse, and more than could be read into memory.
  truncateSync(join(folder, 'huge.yaml'), 2 ** 33);
  expect(await messageFor(join(folder, 'huge.yaml'))).toBe('the file is larger than 8 MiB');
});

test('a named pipe without a writer is refused and not waited for', async () => {
  const path = join(folder, 'pipe.yaml');
  execFileSync('mkfifo', [path]);
  expect(await messageFor(path)).toBe('the file is not a regular file');
});

test('a file that may not be read is refused in words', async () => {
  const path = join(folder, 'secret.yaml');
  writeFileSync(path, GOOD, { mode: 0 });
  const root = process.getuid?.() === 0;
  // The mode does not keep root out.
  if (root) process.seteuid!(65_534);
  try {
    expect(await messageFor(path)).toBe('the file may not be read');
  } finally {
    if (root) process.seteuid!(0);
  }
});

test('a path through a file is refused with the code of the system', async () => {
  mkdirSync(join(folder, 'x'));
  writeFileSync(join(folder, 'x', 'y'), '');
  expect(await messageFor(join(folder, 'x', 'y', 'z.yaml'))).toBe('the file cannot be read: ENOTDIR');
});
