// The record becomes known outside its machine: witnesses and a replica, as processes and folders of their own.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { commandJson, tallystick } from '../daemon/command.ts';
import { startDaemon, type Daemon } from '../daemon/daemon.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { startWitness } from '../daemon/witness.ts';

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
  const verified = await tallystick([
    'audit',
    'verify',
    ...['--dir', auditOf(daemon), '--policy', join(folder, 'audit.policy'), '--json'],
  ]);
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
