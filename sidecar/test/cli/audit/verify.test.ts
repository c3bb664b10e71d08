import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from '../run-cli.ts';
import { CLOSE, REPORT, vkeyAt, WrittenLogs } from './written-logs.ts';

const VKEY = vkeyAt({ incarnation: 1, shard: 1 });

async function verify(dir: string, ...more: string[]) {
  return runCli(['audit', 'verify', '--dir', dir, ...more]);
}

async function verifyJson(dir: string, ...more: string[]) {
  const { code, stdout } = await verify(dir, '--json', ...more);
  return { code, report: JSON.parse(stdout) as Record<string, unknown> };
}

describe('tallystick audit verify', () => {
  test('says that integrity holds, and that completeness is not shown where nobody outside has seen a head', async () => {
    const logs = await WrittenLogs.plausible();
    const { code, stdout } = await verify(logs.dir, '--vkey', VKEY);
    expect(stdout).toContain('integrity     holds: every record is the one that was logged');
    expect(stdout).toContain('completeness  not shown');
    expect(stdout).toContain('(rollback_undetectable)');
    expect(stdout).toMatch(
      new RegExp(`^1/1 +acme.example/sc-1/1/1 +${logs.size} +holds +not shown +never +undetectable$`, 'm'),
    );
    expect(code).toBe(3);
    const json = await verifyJson(logs.dir, '--vkey', VKEY);
    expect(json).toMatchObject({
      code: 3,
      report: {
        v: 1,
        dir: logs.dir,
        key: 'vkey',
        level: 'records',
        integrity: { verdict: 'holds', findings: [] },
        completeness: { verdict: 'not_shown' },
        logs: [{ path: '1/1', head: { size: logs.size }, integrity: { verdict: 'holds' } }],
        notes: [],
      },
    });
  });

  test('ends with 0 where a head that was kept shows completeness too, and the policy has the key', async () => {
    const logs = await WrittenLogs.plausible();
    const kept = join(logs.dir, 'kept');
    writeFileSync(kept, logs.read('1/1/checkpoint'));
    await logs.deny(REPORT);
    await logs.publish();
    const policy = join(logs.dir, 'policy');
    writeFileSync(policy, `log ${VKEY}\nquorum none\n`);
    const given = ['--policy', policy, '--consistency', kept];
    expect((await verify(logs.dir, ...given, '--seen', new Date(Date.now() - 60_000).toISOString())).code).toBe(0);
    // Of unknown age it shows nothing about today.
    const { code, stdout } = await verify(logs.dir, ...given);
    expect({ code, old: stdout.includes('(anchor_old)') }).toEqual({ code: 3, old: true });
  });

  test('fails where the log has not grown from a head that was kept', async () => {
    const [one, other] = [await WrittenLogs.plausible(), await WrittenLogs.begin()];
    await other.publish();
    const kept = join(other.dir, 'kept');
    writeFileSync(kept, one.read('1/1/checkpoint'));
    const { code, report } = await verifyJson(other.dir, '--vkey', VKEY, '--consistency', kept);
    expect(code).toBe(1);
    expect(JSON.stringify(report)).toContain('rolled_back');
  });

  test('names the record, its file and its tile where one byte was changed', async () => {
    const logs = await WrittenLogs.plausible();
    const { path, at } = logs.bundle('"entitled"');
    logs.flip(path, at + 1);
    const { code, stdout } = await verify(logs.dir, '--vkey', VKEY);
    expect(code).toBe(1);
    expect(stdout).toContain('integrity     fails\n');
    expect(stdout).toMatch(new RegExp(`^  ${path} record 4: .*\\(record_changed\\)$`, 'm'));
    const other = await WrittenLogs.plausible();
    const tile = other.bundle('').path.replace('entries', '0');
    other.flip(tile, 40);
    expect((await verify(other.dir, '--vkey', VKEY)).stdout).toMatch(new RegExp(`${tile}: .*\\(tile_changed\\)`));
  });

  test('reads no record at the level of signatures, and judges no meaning at that of the tree', async () => {
    const logs = await WrittenLogs.plausible();
    const { path, at } = logs.bundle('"entitled"');
    logs.flip(path, at + 1);
    const signature = await verifyJson(logs.dir, '--vkey', VKEY, '--level', 'signature');
    expect(signature).toMatchObject({ code: 3, report: { integrity: { verdict: 'not_shown' } } });
    const odd = await WrittenLogs.begin();
    await odd.release('spiffe://acme.example/nobody', 'run-1');
    await odd.publish();
    const tree = await verifyJson(odd.dir, '--vkey', VKEY, '--level', 'tree');
    expect(tree).toMatchObject({ code: 3, report: { integrity: { verdict: 'holds' } } });
    const { code, stdout } = await verify(odd.dir, '--vkey', VKEY);
    expect({ code, named: /record 2: .*\(record_rule, identity_unregistered\)/.test(stdout) }).toEqual({
      code: 1,
      named: true,
    });
  });

  test('says that a key out of the folder itself shows nothing about whose log it is, and never ends with 0 then', async () => {
    const logs = await WrittenLogs.plausible();
    const { code, stdout } = await verify(logs.dir);
    expect(code).toBe(3);
    expect(stdout).toContain('key           of the folder itself\n');
    const kept = join(logs.dir, 'kept');
    writeFileSync(kept, logs.read('1/1/checkpoint'));
    const given = ['--consistency', kept, '--seen', new Date().toISOString()];
    expect(await verifyJson(logs.dir, ...given)).toMatchObject({
      code: 3,
      report: { key: 'folder', integrity: { verdict: 'holds' }, completeness: { verdict: 'holds' } },
    });
  });

  test('fails with another key than that of the log', async () => {
    const logs = await WrittenLogs.plausible();
    const { code, stdout } = await verify(logs.dir, '--vkey', vkeyAt({ incarnation: 2, shard: 1 }));
    expect({ code, refused: stdout.includes('(checkpoint_refused, origin)') }).toEqual({ code: 1, refused: true });
  });

  test('judges every shard, each by the head of the one before', async () => {
    const logs = await WrittenLogs.plausible();
    await logs.nextShard();
    const keys = join(logs.dir, 'keys');
    writeFileSync(keys, `${VKEY}\n${vkeyAt({ incarnation: 1, shard: 2 })}\n`);
    const { code, report } = await verifyJson(logs.dir, '--vkey', keys);
    expect({ code, report }).toMatchObject({
      code: 3,
      report: { integrity: { verdict: 'holds' }, logs: [{ path: '1/1' }, { path: '1/2' }] },
    });
  });

  test('judges the integrity of a record of a later release, and says that it does not judge its meaning', async () => {
    const logs = await WrittenLogs.begin();
    await logs.appendLater();
    await logs.publish();
    const { code, stdout } = await verify(logs.dir, '--vkey', VKEY);
    expect(code).toBe(3);
    expect(stdout).toContain('integrity     holds');
    expect(stdout).toMatch(
      /^notes +1, held against neither\n {2}acme.example\/sc-1\/1\/1 record 2: .*\(not_judged\)$/m,
    );
  });

  test('and "audit log" read a log that goes on meanwhile, as far as some head that it had', async () => {
    const logs = await WrittenLogs.plausible();
    for (let round = 0; round < 12; round += 1) {
      const before = logs.size;
      const [judged, listed] = await Promise.all([
        verifyJson(logs.dir, '--vkey', VKEY),
        runCli(['audit', 'log', '--dir', logs.dir, '--vkey', VKEY, '--limit', '1']),
        Promise.all(Array.from({ length: 40 }, () => logs.release(CLOSE, 'run-1'))).then(() => logs.publish()),
      ]);
      expect(judged.report).toMatchObject({ integrity: { verdict: 'holds' } });
      const { head } = (judged.report as { logs: { head: { size: number } }[] }).logs[0]!;
      expect(head.size).toBeGreaterThanOrEqual(before);
      expect(listed).toMatchObject({ code: 0 });
    }
    expect(logs.size).toBeGreaterThan(512);
  });

  test('stops at the published head: what was appended since is not looked at', async () => {
    const logs = await WrittenLogs.plausible();
    const { size } = logs;
    await logs.release(REPORT, 'run-3');
    expect(await verifyJson(logs.dir, '--vkey', VKEY)).toMatchObject({ report: { logs: [{ head: { size } }] } });
  });
});

describe('what keeps the verifier from judging ends with 2, and says what to do', () => {
  test.each([
    [['--dir', '/nowhere'], '"/nowhere" is not there\n  name the folder'],
    [['--dir', import.meta.filename], 'is not a folder\n'],
    [['--dir', import.meta.dirname], 'has no log with a signed head\n  name the folder that holds "1/1/checkpoint"'],
    [['--config', '/nowhere.yaml'], 'does not say where the logs are\n  name their folder with --dir'],
    [['--dir', '.', '--vkey', '/nowhere'], '"/nowhere" cannot be read: ENOENT\n  check the path'],
    [['--dir', '.', '--vkey', 'acme.example/sc-1/1/1+00000000+AQ=='], '--vkey: '],
    [['--dir', '.', '--level', 'all'], '--level must be one of signature, tree, records'],
    [['--dir', '.', '--seen', '2026-11-22T08:00:00Z'], '--seen says when the head of --consistency was kept'],
    [['--dir', '.', '--consistency', 'x', '--seen', '2026-11-22T08:00'], '--seen has no time with a zone'],
    [['--dir', '.', '--vkey', 'x', '--policy', 'y'], 'give --policy or --vkey, not both'],
  ])('%j', async (argv, message) => {
    const { code, stdout, stderr } = await runCli(['audit', 'verify', ...argv]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('a folder of a later version', async () => {
    const logs = await WrittenLogs.begin();
    await logs.publish();
    writeFileSync(join(logs.dir, 'FORMAT'), 'tallystick-state 999\n');
    const { code, stderr } = await verify(logs.dir, '--vkey', VKEY);
    expect(code).toBe(2);
    expect(stderr).toContain('has format 999, and this version knows 2\n  run the command of the version that wrote');
  });

  test('a kept head that is of no trusted key, or of a log that is gone', async () => {
    const logs = await WrittenLogs.plausible();
    const refused = await verify(logs.dir, '--vkey', VKEY, '--consistency', join(logs.dir, '1/1/vkey'));
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is not a head that a trusted key has signed') as string,
    });
    await logs.nextShard();
    const kept = join(logs.dir, 'kept');
    writeFileSync(kept, logs.read('1/2/checkpoint'));
    rmSync(join(logs.dir, '1/2'), { recursive: true });
    const keys = join(logs.dir, 'keys');
    writeFileSync(keys, `${VKEY}\n${vkeyAt({ incarnation: 1, shard: 2 })}\n`);
    const gone = await verify(logs.dir, '--vkey', keys, '--consistency', kept);
    expect(gone).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('of the log 1/2, which is not there') as string,
    });
  });
});

test('"audit" alone, or with a word that is no command of it, says which there are', async () => {
  expect((await runCli(['audit'])).stderr).toContain('say which: audit export, audit find, audit inventory');
  expect((await runCli(['audit', 'verfy'])).stderr).toContain(
    'there is no command "audit verfy"; did you mean "audit verify"?',
  );
  const help = await runCli(['audit', '--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toMatch(/^ {2}audit verify +verify the logs/m);
  expect(help.stdout).not.toContain('  leases ');
});
