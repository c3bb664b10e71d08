import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recordOf, readLeaf } from '@tallystick/audit';
import { NOT_ON_RECORD, runCli } from '../run-cli.ts';
import { CLOSE, vkeyAt, WrittenLogs } from './written-logs.ts';

const VKEY = vkeyAt({ incarnation: 1, shard: 1 });

async function proven(logs: WrittenLogs, name: string) {
  const proof = join(logs.dir, 'release.tlog-proof');
  const made = await runCli(['audit', 'prove', name, '--dir', logs.dir, '--vkey', VKEY, '--out', proof]);
  return { ...made, proof, record: join(logs.dir, 'release.json') };
}

test('the proof of a record, by its id or its index, holds with the record and the key alone', async () => {
  const logs = await WrittenLogs.plausible();
  const released = await logs.release(CLOSE, 'run-7');
  await logs.publish();
  const { code, stdout, stderr, proof, record } = await proven(logs, released.id);
  expect({ code, stderr }).toEqual({ code: 0, stderr: NOT_ON_RECORD });
  expect(stdout).toBe(`${proof}\n${record}\n  record ${released.seq} of ${logs.size} in acme.example/sc-1/1/1\n`);
  expect(JSON.parse(readFileSync(record, 'utf8'))).toEqual(released);
  const judged = await runCli(['audit', 'verify-proof', proof, '--record', record, '--vkey', VKEY]);
  expect(judged).toEqual({
    code: 0,
    stdout: `holds: record ${released.seq} of ${logs.size} in acme.example/sc-1/1/1\n`,
    stderr: '',
  });
  const again = join(logs.dir, 'again');
  const byIndex = ['audit', 'prove', String(released.seq), '--dir', logs.dir, '--vkey', VKEY, '--out', again, '--json'];
  expect(JSON.parse((await runCli(byIndex)).stdout)).toMatchObject({
    index: released.seq,
    record: `${again}.json`,
    witnessed: false,
  });
  expect(readFileSync(again)).toEqual(readFileSync(proof));
});

test('every record of the log can be proven, and no proof holds for another', async () => {
  const logs = await WrittenLogs.plausible();
  for (const index of [0, 1, 63, 64, logs.size - 1]) {
    const out = join(logs.dir, `p${index}`);
    await runCli(['audit', 'prove', String(index), '--dir', logs.dir, '--vkey', VKEY, '--out', out]);
    const { code, stdout } = await runCli([
      'audit',
      'verify-proof',
      out,
      '--record',
      `${out}.json`,
      '--vkey',
      VKEY,
      '--json',
    ]);
    const id = recordOf(readLeaf('acme.example/sc-1/1/1', index, readFileSync(`${out}.json`)))!.id;
    expect({ code, facts: JSON.parse(stdout) as unknown }).toEqual({
      code: 0,
      facts: { verdict: 'holds', id, origin: 'acme.example/sc-1/1/1', index, size: logs.size, cosignatures: [] },
    });
  }
  const crossed = [
    'audit',
    'verify-proof',
    join(logs.dir, 'p1'),
    '--record',
    join(logs.dir, 'p0.json'),
    '--vkey',
    VKEY,
  ];
  expect(await runCli(crossed)).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^fails: .*\(inclusion\)\n$/) as string,
  });
});

test('a proof fails where the record, the proof or the key is another', async () => {
  const logs = await WrittenLogs.plausible();
  const { proof, record } = await proven(logs, '5');
  const judge = (vkey = VKEY) => runCli(['audit', 'verify-proof', proof, '--record', record, '--vkey', vkey, '--json']);
  expect((await judge(vkeyAt({ incarnation: 1, shard: 2 }))).stdout).toContain('"fault": "origin"');
  const whole = readFileSync(record, 'utf8');
  writeFileSync(record, whole.replace('entitled', 'entitlee'));
  expect(await judge()).toMatchObject({ code: 1, stdout: expect.stringContaining('"fault": "inclusion"') as string });
  writeFileSync(record, whole);
  writeFileSync(proof, readFileSync(proof, 'utf8').replace('index 5', 'index 6'));
  expect((await judge()).code).toBe(1);
});

test('without a key that the reader was told of, nothing is verified', async () => {
  expect(await runCli(['audit', 'verify-proof', 'p', '--record', 'r'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('a proof is worth as much as the key') as string,
  });
  expect((await runCli(['audit', 'verify-proof', 'p', '--vkey', VKEY])).stderr).toContain(
    'name the proof and its record',
  );
});

test('what is not there cannot be proven, and a proof is never written over another', async () => {
  const logs = await WrittenLogs.plausible();
  const on = (...argv: string[]) => runCli(['audit', 'prove', ...argv, '--dir', logs.dir, '--vkey', VKEY]);
  expect(await on('100000')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`1/1 has ${logs.size}\n  list records`) as string,
  });
  expect((await on('01KAQ0000000000000000000SC')).stderr).toContain('no record has the id 01KAQ0000000000000000000SC');
  expect(await on('soon')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('neither the id of a record nor an index') as string,
  });
  expect(await on()).toMatchObject({ code: 2 });
  await proven(logs, '5');
  expect((await proven(logs, '5')).stderr).toContain('is there already\n  name another file with --out');
});

test('of several logs an index says which, and a key that lacks one of them is refused in words', async () => {
  const logs = await WrittenLogs.plausible();
  await logs.nextShard();
  const keys = join(logs.dir, 'keys');
  writeFileSync(keys, `${VKEY}\n${vkeyAt({ incarnation: 1, shard: 2 })}\n`);
  const on = (name: string) =>
    runCli(['audit', 'prove', name, '--dir', logs.dir, '--vkey', keys, '--out', join(logs.dir, 'p')]);
  expect(await on('1')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('say which, as 1/1/1, 1/2/1') as string,
  });
  expect(await on('1/2/1')).toMatchObject({ code: 0 });
  expect((await proven(logs, '1/2/1')).stderr).toContain('the head of the log 1/2 is refused');
});

test('a record that was changed is not proven', async () => {
  const logs = await WrittenLogs.plausible();
  const { path, at } = logs.bundle('"entitled"');
  logs.flip(path, at + 1);
  const { code, stderr } = await proven(logs, '4');
  expect({ code, refused: stderr.includes('audit verify') }).toEqual({ code: 1, refused: true });
});
