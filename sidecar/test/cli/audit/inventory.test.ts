import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NOT_ON_RECORD, runCli } from '../run-cli.ts';
import { CLOSE, REPORT, START, vkeyAt, WrittenLogs } from './written-logs.ts';

const VKEY = vkeyAt({ incarnation: 1, shard: 1 });

async function at(logs: WrittenLogs, time: string, vkey = VKEY) {
  const { code, stdout } = await runCli([
    'audit',
    'inventory',
    '--dir',
    logs.dir,
    '--vkey',
    vkey,
    '--at',
    time,
    '--json',
  ]);
  const { identities } = JSON.parse(stdout) as {
    identities: { id: string; state: string; says: { object: { seq: number } } }[];
  };
  return { code, identities: identities.map(({ id, state }) => [id, state]) };
}

test('the inventory at an instant is what the log says of it', async () => {
  const logs = await WrittenLogs.plausible();
  expect(await at(logs, START)).toEqual({
    code: 0,
    identities: [
      [CLOSE, 'active'],
      [REPORT, 'active'],
    ],
  });
  expect(await at(logs, '2026-11-22T10:00:00Z')).toEqual({
    code: 0,
    identities: [
      [CLOSE, 'active'],
      [REPORT, 'suspended'],
    ],
  });
  expect(await at(logs, '2026-11-22T07:59:59Z')).toEqual({ code: 0, identities: [] });
  const { stdout, stderr } = await runCli([
    'audit',
    'inventory',
    '--dir',
    logs.dir,
    '--vkey',
    VKEY,
    '--at',
    '2026-11-22T10:00:00Z',
  ]);
  expect(stdout).toMatch(new RegExp(`^${CLOSE} +team-payments +active +2027-06-30 +ledger-api +1/1/2$`, 'm'));
  expect(stderr).toBe(
    `${NOT_ON_RECORD}2 identities at 2026-11-22T10:00:00.000Z, up to record ${logs.size - 1} of acme.example/sc-1/1/1\n`,
  );
});

test('of an instant in a later shard, what that began with counts', async () => {
  const logs = await WrittenLogs.plausible();
  logs.nowMs += 3_600_000;
  await logs.nextShard();
  const keys = join(logs.dir, 'keys');
  writeFileSync(keys, `${VKEY}\n${vkeyAt({ incarnation: 1, shard: 2 })}\n`);
  expect((await at(logs, '2026-11-22T09:30:00Z', keys)).identities).toEqual([
    [CLOSE, 'active'],
    [REPORT, 'suspended'],
  ]);
  expect((await at(logs, '2026-11-22T10:30:00Z', keys)).identities).toEqual([
    [CLOSE, 'active'],
    [REPORT, 'active'],
  ]);
});

test('a time without a zone is no instant, and none is guessed', async () => {
  expect(await runCli(['audit', 'inventory', '--dir', '.'])).toMatchObject({ code: 2 });
  const { code, stderr } = await runCli(['audit', 'inventory', '--dir', '.', '--at', '2026-11-22T10:30:00']);
  expect({ code, told: stderr.includes('--at has no time with a zone') }).toEqual({ code: 2, told: true });
});
