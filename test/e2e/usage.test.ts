// What a service did with its leases, on the record of a real sidecar: told by the SDK, found by the command, neither
// lost nor doubled by a crash; and a log that was set back, found out by a service that lived on.
import { cpSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { systemRandom, systemTimers, type Timers } from '@tallystick/core';
import { connect, withBusinessProcess, type Identity } from '@tallystick/sdk';
import { connectWith, type Transport } from '@tallystick/sdk/internal';
import { expect, onTestFinished, test } from 'vitest';
import { socketTransport } from '../../packages/sdk/src/transport.ts';
import { command, commandJson } from '../daemon/command.ts';
import { allPublished } from '../daemon/published.ts';
import { SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { filesIn } from '../daemon/files-in.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { readRecords } from '../faults/record-files.ts';

const RUN = { id: 'BP-1042', runId: '2026-11', ticket: 'CHG-88123' };

interface Usage {
  readonly report: number;
  readonly final: boolean;
  readonly jkt: string;
  readonly uses: readonly { readonly count: number; readonly lease: string; readonly process: unknown }[];
}

/** What `audit log --json` prints. */
interface Listed {
  readonly selected: number;
  readonly records: readonly { readonly record: { readonly type: string } }[];
}

/** An API that takes every call; returns its URL. */
async function startApi(): Promise<string> {
  const server = createServer((_request, response) => response.end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Timers by which a report is due at once. Nothing else of the SDK waits for about half a minute. */
const hasty: Timers = {
  after: (ms, callback, options) => systemTimers.after(ms >= 27_000 && ms <= 33_000 ? 20 : ms, callback, options),
};

/** Returns `transport`, which loses the answer to a report where that is wanted, and does what is wanted then. */
function swallowing(
  transport: Transport,
  tokens: Set<string>,
  wanted: () => (() => Promise<unknown>) | undefined,
): Transport {
  return {
    async send(request) {
      if (request.path === '/v1/usage') {
        for (const token of (JSON.parse(request.body!) as { tokens?: string[] }).tokens ?? []) tokens.add(token);
      }
      const answer = await transport.send(request);
      const then = request.path === '/v1/usage' && answer.status === 200 ? wanted() : undefined;
      if (!then) return answer;
      await then();
      throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    },
    close: () => transport.close(),
  };
}

function usageIn(folder: string): Usage[] {
  return readRecords(folder)
    .filter(({ type }) => type === 'usage.reported')
    .map(({ body }) => body as unknown as Usage);
}

/** Asks for a token that the SDK does not hold, as after each rotation. */
async function anew(identity: Identity, url: string): Promise<void> {
  await identity.release(await identity.credential('ledger-api', 'access-token'));
  await identity.fetch(url);
}

test(
  'the use of a token stands beside its release, with the run that it was for, and the last report is final',
  { timeout: 60_000 },
  async () => {
    const url = await startApi();
    await using daemon = await startDaemon({ use: `${url}/` });
    const identity = await connect({ socket: daemon.socket });
    const { leaseId } = await identity.credential('ledger-api', 'access-token');
    await withBusinessProcess(RUN, () => identity.fetch(`${url}/journal?secret=1`));
    await withBusinessProcess(RUN, () => identity.fetch(`${url}/journal`));
    await identity.fetch(`${url}/other`);
    await identity.close();

    const of = ['audit', 'log', '--lease', leaseId, '--dir', join(daemon.folder, 'state/audit')];
    const typesOf = async (): Promise<string[]> => {
      const { value } = await commandJson<Listed>(daemon, ...of);
      return value.records.map(({ record }) => record.type);
    };
    await allPublished(daemon);
    await expect
      .poll(typesOf, { timeout: 10_000 })
      .toEqual(['credential.released', 'usage.reported', 'credential.revoked']);
    const { value } = await commandJson<Listed>(daemon, ...of);
    expect(value.records[1]!.record).toMatchObject({
      actor: SERVICE,
      lease: leaseId,
      body: {
        grade: 'reported',
        report: 0,
        final: true,
        uses: [
          { lease: leaseId, count: 2, target: url, process: { id: 'BP-1042', run: '2026-11', ticket: 'CHG-88123' } },
          { lease: leaseId, count: 1, target: url, process: null },
        ],
      },
    });
    expect(JSON.stringify(value.records[1])).not.toContain('secret=1');
    const { stdout } = await command(daemon, ...of);
    expect(stdout).toMatch(/usage\.reported .* 3 uses, as reported/);
    const byRun = await commandJson<Listed>(daemon, 'audit', 'log', '--run', '2026-11', ...of.slice(4));
    expect(byRun.value.selected).toBe(1);
  },
);

test(
  'however the sidecar is killed, each use is on record once, and no number is missing',
  { timeout: 120_000 },
  async () => {
    const url = await startApi();
    await using first = await startDaemon({ use: `${url}/` });
    let daemon: Daemon = first;
    const tokens = new Set<string>();
    let swallow: (() => Promise<unknown>) | undefined;
    const identity = await connectWith(
      { timers: hasty, transport: (path) => swallowing(socketTransport(path), tokens, () => swallow) },
      { socket: daemon.socket },
    );
    let calls = 0;
    let stop = false;
    const traffic = (async () => {
      while (!stop) {
        const { status } = await withBusinessProcess({ id: 'BP-1042', runId: String(calls % 7) }, () =>
          identity.fetch(url),
        );
        expect(status).toBe(200);
        calls++;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    for (const moment of ['any', 'recorded, and not answered']) {
      const before = calls;
      await expect.poll(() => calls).toBeGreaterThan(before + 20);
      if (moment === 'any') {
        await daemon.kill('SIGKILL');
      } else {
        await new Promise<void>((resolve) => {
          swallow = async () => {
            swallow = undefined;
            await daemon.kill('SIGKILL');
            resolve();
          };
        });
      }
      daemon = await daemon.again();
    }
    stop = true;
    await traffic;
    await identity.close();
    await daemon.kill('SIGTERM');

    const usage = usageIn(first.folder);
    expect(usage.map(({ report }) => report)).toEqual(usage.map((_, i) => i));
    expect(usage.flatMap(({ uses }) => uses).reduce((sum, { count }) => sum + count, 0)).toBe(calls);
    expect(usage.map(({ final }) => final)).toEqual(usage.map((_, i) => i === usage.length - 1));
    expect(new Set(usage.map(({ jkt }) => jkt)).size).toBe(1);

    const verified = await command(daemon, 'audit', 'verify', '--dir', join(first.folder, 'state/audit'));
    expect(verified.stdout).toMatch(/integrity +holds: every record/);
    expect(verified.stdout).not.toContain('record_rule');

    // Leases of an earlier run were proven by their tokens, which went nowhere else.
    expect(tokens.size).toBeGreaterThan(0);
    const kept = filesIn(first.folder).map(({ content }) => content.toString('latin1'));
    const said = [first.output(), daemon.output(), ...kept].join('\n');
    for (const token of tokens) expect(said.includes(token.split('.')[2]!)).toBe(false);
  },
);

test(
  'a log that was set back to an older copy is found out by a service that lived on',
  { timeout: 120_000 },
  async () => {
    const url = await startApi();
    await using first = await startDaemon({ use: `${url}/` });
    const audit = join(first.folder, 'state/audit');
    const copy = join(first.folder, 'older');
    const identity = await connect({ socket: first.socket });
    onTestFinished(() => identity.close());
    await identity.fetch(url);
    await first.kill('SIGTERM');
    cpSync(audit, copy, { recursive: true });

    const second = await first.again();
    // What it was shown is beyond whatever the restored log begins with.
    for (let i = 0; i < 20; i++) await anew(identity, url);
    await second.kill('SIGKILL');
    rmSync(audit, { recursive: true });
    cpSync(copy, audit, { recursive: true });

    const restored = await first.again();
    // Refused by it, or by its absence: what the service does by itself may have ended it before.
    await expect(anew(identity, url)).rejects.toMatchObject({ retryable: true });
    expect(await restored.ended).toBe(1);
    const line = restored.log.find(({ level }) => level === 'error')!;
    expect(line).toMatchObject({
      message: 'the record failed: nothing is released any more',
      code: 'record_unavailable',
    });
    expect(String(line.error)).toContain('tallystick run --new-incarnation REASON');
    const shown = readRecords(first.folder).length;

    const refused = await first.again({ noWait: true });
    expect(await refused.ended).toBe(1);
    expect(refused.output()).toContain('a workload has shown');
    expect(refused.output()).toContain('--new-incarnation REASON');
    expect(readRecords(first.folder)).toHaveLength(shown);

    const next = await first.again({ args: ['--new-incarnation', 'the log was restored from an older copy'] });
    await anew(identity, url);
    expect(next.log.some(({ level }) => level === 'error')).toBe(false);
    await next.kill('SIGTERM');
  },
);

test('a workload cannot stop the sidecar with a head that it has made up', async () => {
  await using daemon = await startDaemon();
  const origin = String(daemon.log.find(({ message }) => message === 'serving')!.record);
  const root = Buffer.from(systemRandom.bytes(32)).toString('base64');
  const head = `${origin}\n999999\n${root}\n\n— ${origin} ${Buffer.from(systemRandom.bytes(68)).toString('base64')}\n`;
  const client = await socketClient(daemon.socket);
  for (let i = 0; i < 5; i++) expect((await client.token({ log_head: head })).status).toBe(200);
  const metrics = await (await fetch(`${daemon.healthUrl}/metrics`)).text();
  expect(metrics).toContain('tallystick_log_heads_echoed_total{verdict="unverifiable"} 5');
  expect(metrics).toContain('tallystick_record_set_back 0');
});
