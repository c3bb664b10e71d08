// The record becomes known outside its machine: witnesses and a replica, as processes and folders of their own.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { commandJson, tallystick } from '../daemon/command.ts';
import { startDaemon, type Daemon } from '../daemon/daemon.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { startWitness } from '../daemon/witness.ts';
import { codeBlocks } from '../rules/markdown.ts';
import { readText } from '../rules/repository.ts';

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-anchors-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const auditOf = ({ folder }: Daemon): string => join(folder, 'state/audit');
const vkeyOf = (daemon: Daemon, log = '1/1'): string => readFileSync(join(auditOf(daemon), log, 'vkey'), 'utf8').trim();

/** Runs a daemon once, so that its log and its key are there. */
async function once(): Promise<Daemon> {
  const daemon = await startDaemon();
  onTestFinished(() => daemon[Symbol.asyncDispose]());
  await daemon.kill('SIGTERM');
  return daemon;
}

/** Changes the configuration to have an `audit`. */
const withAudit = (audit: string) => ({ edit: (config: string) => `${config}audit: ${audit}\n` });

async function release(daemon: Daemon, count = 1): Promise<void> {
  for (let i = 0; i < count; i++) {
    const { status } = await (await socketClient(daemon.socket)).token();
    expect(status).toBe(200);
  }
}

async function recordStatus(daemon: Daemon): Promise<Record<string, unknown>> {
  const { value } = await commandJson<{ record: Record<string, unknown> }>(daemon, 'status');
  return value.record;
}

async function metric(daemon: Daemon, name: string): Promise<number | undefined> {
  const text = await (await fetch(`${daemon.healthUrl}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.split(' ')[1]);
}

test('heads are cosigned; a witness that dies disturbs no release, and one that is back goes on from where it was', async () => {
  const folder = scratch();
  const before = await once();
  await using witness = await startWitness(folder, 'w1.example', [vkeyOf(before)]);
  const policy = `${witness.policyLine}quorum w1.example\n`;
  writeFileSync(join(folder, 'policy'), policy);
  const daemon = await before.again(withAudit(`{ anchors: { policy: ${folder}/policy, interval: 1s } }`));
  // Asked while it starts: before anything is released it is known where the log was.
  expect(await daemon.logged('serving')).toMatchObject({ rollback: 'detectable' });
  expect(await recordStatus(daemon)).toMatchObject({
    rollback: 'detectable',
    quorum: 'reached',
    witnesses_failing: [],
    replica: 'none',
  });
  await witness.kill();
  await release(daemon, 3);
  expect(await daemon.logged('the witness does not anchor the record')).toMatchObject({
    level: 'warn',
    witness: 'w1.example',
    code: 'anchor_unavailable',
  });
  expect(await recordStatus(daemon)).toMatchObject({ rollback: 'detectable', witnesses_failing: ['w1.example'] });
  expect(await metric(daemon, 'tallystick_witnesses_failing')).toBe(1);
  const back = daemon.nextLogged('the witness anchors the record');
  await witness.again();
  await release(daemon);
  await back;
  expect(await metric(daemon, 'tallystick_witnesses_failing')).toBe(0);
  expect(await metric(daemon, 'tallystick_rollback_detectable')).toBe(1);
  expect(await daemon.kill('SIGTERM')).toBe(0);

  // What an auditor has: the policy with the log's own line, and the folder.
  writeFileSync(join(folder, 'audit.policy'), `log ${vkeyOf(daemon)}\n${policy}`);
  const named = ['--dir', auditOf(daemon), '--policy', join(folder, 'audit.policy')];
  const verified = await tallystick(['audit', 'verify', ...named, '--json']);
  expect(verified.status, verified.stdout).toBe(0);
  const [log] = (JSON.parse(verified.stdout) as { logs: { rollback: string; head: object; anchor: object }[] }).logs;
  // The last head was cosigned after it was published, and before the sidecar ended.
  expect(log).toMatchObject({ rollback: 'detectable', anchor: { size: (log!.head as { size: number }).size } });
});

test('an older copy of the state is found out by the witness and refused; an operator goes on with a new incarnation', async () => {
  const folder = scratch();
  const before = await once();
  await using witness = await startWitness(folder, 'w1.example', [vkeyOf(before)]);
  writeFileSync(join(folder, 'policy'), `${witness.policyLine}quorum w1.example\n`);
  cpSync(join(before.folder, 'state'), join(folder, 'snapshot'), { recursive: true });
  const daemon = await before.again(withAudit(`{ anchors: { policy: ${folder}/policy } }`));
  await release(daemon, 3);
  await daemon.kill('SIGTERM');
  rmSync(join(daemon.folder, 'state'), { recursive: true });
  cpSync(join(folder, 'snapshot'), join(daemon.folder, 'state'), { recursive: true });

  const refused = await daemon.again({ noWait: true });
  expect(await refused.ended).toBe(1);
  expect(refused.output()).toMatch(/the witness w1\.example says it has cosigned \d+ records; the log has \d+/);
  expect(refused.output()).toContain('tallystick run --new-incarnation REASON');
  expect(refused.log.some(({ message }) => message === 'serving')).toBe(false);

  const next = await daemon.again({ args: ['--new-incarnation', 'INC-9: restored from a copy'] });
  await release(next);
  // The witness does not know the new log until its operator is given its key.
  expect(await next.logged('the witness does not anchor the record')).toMatchObject({ level: 'error' });
  expect(await recordStatus(next)).toMatchObject({ rollback: 'undetectable', quorum: 'missed' });
  await next.kill('SIGTERM');
});

test('a witness that is away holds a start up for a short time alone, and is named', async () => {
  const folder = scratch();
  const before = await once();
  const witness = await startWitness(folder, 'w1.example', [vkeyOf(before)]);
  writeFileSync(join(folder, 'policy'), `${witness.policyLine}quorum w1.example\n`);
  await witness.kill();
  const daemon = await before.again(withAudit(`{ anchors: { policy: ${folder}/policy } }`));
  expect(await daemon.logged('the witness does not anchor the record')).toMatchObject({ witness: 'w1.example' });
  expect(await daemon.logged('serving')).toMatchObject({ rollback: 'undetectable' });
  await release(daemon);
  expect(await daemon.kill('SIGTERM')).toBe(0);
});

/** The only log below the folder of a replica. */
function replicated(replica: string): string {
  const [trustDomain] = readdirSync(replica);
  const [sidecar] = readdirSync(join(replica, trustDomain!));
  return join(replica, trustDomain!, sidecar!);
}

test('what a stopped sidecar leaves in its replica is a log that verifies whole, by what the page says', async () => {
  const folder = scratch();
  const before = await once();
  await using witness = await startWitness(folder, 'w1.example', [vkeyOf(before)]);
  const policy = `${witness.policyLine}quorum w1.example\n`;
  writeFileSync(join(folder, 'policy'), policy);
  const replica = join(folder, 'replica');
  mkdirSync(replica);
  const daemon = await before.again(
    withAudit(`{ anchors: { policy: ${folder}/policy, interval: 1s }, replica: { folder: ${replica} } }`),
  );
  await daemon.logged('the replica anchors the record');
  expect(await recordStatus(daemon)).toMatchObject({ durability: 'replicated', replica: 'acknowledged' });
  // More than a bundle.
  await Promise.all(Array.from({ length: 270 }, () => release(daemon)));
  expect(await daemon.kill('SIGTERM')).toBe(0);

  const [script] = codeBlocks('sidecar/docs/audit.md', readText('sidecar/docs/audit.md')).filter(
    ({ language }) => language === 'bash',
  );
  const copied = script!.code.replace(/\/mnt\/replica\/\S+/, join(replicated(replica), '1/1'));
  expect(spawnSync('bash', ['-ec', copied], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  writeFileSync(join(folder, 'audit.policy'), `log ${vkeyOf(daemon)}\n${policy}`);
  const verify = ['audit', 'verify', '--policy', join(folder, 'audit.policy'), '--json', '--dir'];
  const [own, copy] = [
    await tallystick([...verify, auditOf(daemon)]),
    await tallystick([...verify, replicated(replica)]),
  ];
  expect(copy.status, copy.stdout).toBe(0);
  const head = (stdout: string) => (JSON.parse(stdout) as { logs: { head: unknown }[] }).logs[0]!.head;
  expect(head(copy.stdout)).toEqual(head(own.stdout));
});

test('an older copy of the state is found out by the replica alone and refused', async () => {
  const folder = scratch();
  const before = await once();
  const replica = join(folder, 'replica');
  mkdirSync(replica);
  cpSync(join(before.folder, 'state'), join(folder, 'snapshot'), { recursive: true });
  const daemon = await before.again(withAudit(`{ replica: { folder: ${replica} } }`));
  await release(daemon, 3);
  await daemon.kill('SIGTERM');
  rmSync(join(daemon.folder, 'state'), { recursive: true });
  cpSync(join(folder, 'snapshot'), join(daemon.folder, 'state'), { recursive: true });

  const refused = await daemon.again({ noWait: true });
  expect(await refused.ended).toBe(1);
  expect(refused.output()).toMatch(/has \d+ records, and \d+ were anchored/);
  expect(refused.output()).toContain('tallystick run --new-incarnation REASON');

  // The log that was cut off is whole in the replica, and so is the one that follows it.
  const next = await daemon.again({ args: ['--new-incarnation', 'INC-9: restored from a copy'] });
  await next.logged('the replica anchors the record');
  await next.kill('SIGTERM');
  expect(readdirSync(replicated(replica)).toSorted()).toEqual(['1', '2']);
  // Restored a second time it is found behind the log that came after it.
  rmSync(join(daemon.folder, 'state'), { recursive: true });
  cpSync(join(folder, 'snapshot'), join(daemon.folder, 'state'), { recursive: true });
  const again = await daemon.again({ noWait: true });
  expect(await again.ended).toBe(1);
  expect(again.output()).toMatch(/the replica has a log after |were anchored/);
});

test('a replica that hangs holds up neither the start nor a release, and the stop is by a signal', async () => {
  const folder = scratch();
  const before = await once();
  const [origin] = vkeyOf(before).split('+');
  const heads = join(folder, 'replica', origin!, 'anchored');
  mkdirSync(heads, { recursive: true });
  // To open a pipe that nobody writes to never returns, as a call to a network file system whose server is gone.
  expect(spawnSync('mkfifo', [join(heads, '9999999999999999-0000000000000000')]).status).toBe(0);
  const daemon = await before.again(withAudit(`{ anchors: { interval: 1s }, replica: { folder: ${folder}/replica } }`));
  expect(await daemon.logged('the replica does not anchor the record')).toMatchObject({ code: 'anchor_unavailable' });
  await release(daemon, 3);
  expect(await recordStatus(daemon)).toMatchObject({ rollback: 'undetectable', replica: 'behind', durability: 'node' });
  expect(await daemon.kill('SIGTERM')).toBe('SIGKILL');
});

const canMount = process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0;
if (!canMount) process.stderr.write('NOT TESTED: a full replica (mount needs root)\n');

test.skipIf(!canMount && !process.env.CI)(
  'a replica that is full stops no release; with space again it is as whole as if it had never been',
  async () => {
    const folder = scratch();
    const before = await once();
    const replica = join(folder, 'replica');
    mkdirSync(replica);
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', replica]).status).toBe(0);
    try {
      writeFileSync(join(replica, 'filler'), Buffer.alloc(56 * 1024));
      const daemon = await before.again(withAudit(`{ anchors: { interval: 1s }, replica: { folder: ${replica} } }`));
      await release(daemon, 20);
      expect(await daemon.logged('the replica does not anchor the record')).toMatchObject({ errno: 'ENOSPC' });
      await release(daemon, 3);
      expect(await metric(daemon, 'tallystick_replica_acknowledged')).toBe(0);
      const back = daemon.nextLogged('the replica anchors the record');
      rmSync(join(replica, 'filler'));
      expect(spawnSync('mount', ['-o', 'remount,size=8m', replica]).status).toBe(0);
      await back;
      expect(await metric(daemon, 'tallystick_replica_acknowledged')).toBe(1);
      await daemon.kill('SIGTERM');
      const heads = readdirSync(join(replicated(replica), '1/1/anchored'));
      const published = readFileSync(join(auditOf(daemon), '1/1/checkpoint'), 'utf8').split('\n')[1]!;
      expect(heads.at(-1)).toMatch(new RegExp(`^0*${published}-`));
    } finally {
      spawnSync('umount', ['-l', replica]);
    }
  },
);
