import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  createNodeLogFiles,
  createWitness,
  formatSignerKey,
  formatVkey,
  judgeCheckpoint,
  KEY_TYPE,
  logVerifier,
  openWitnessFolder,
  parseTlogPolicy,
  publicNoteKey,
  witnessHandler,
  type WitnessAnswer,
} from '@tallystick/audit';
import { systemClock, systemTimers } from '@tallystick/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newKey } from '../../packages/audit/test/anchor/growing-log.ts';
import { describeWithServers, requireServer } from '../servers/require-server.ts';

const ORIGIN = 'tessera.example/log';
const logKey = newKey(ORIGIN);
const witnessKey = newKey('witness.example/w1');
const logVkey = publicNoteKey(logKey, KEY_TYPE.ed25519);

describeWithServers(['posix-oneshot'], 'a Tessera log that a witness of ours cosigns', () => {
  let folder: string;
  let server: Server;
  let policy: string;
  const answers: WitnessAnswer['status'][] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tallystick-tessera-'));
    mkdirSync(join(folder, 'witness'));
    writeFileSync(join(folder, 'key'), formatSignerKey(logKey));
    const store = await openWitnessFolder({
      folder: join(folder, 'witness'),
      openFiles: createNodeLogFiles,
      lock: async () => ({ release: async () => {} }),
    });
    const logs = (origin: string) => (origin === ORIGIN ? [logVerifier(logVkey)] : []);
    const witness = createWitness({ store, key: witnessKey, logs, clock: systemClock });
    const addCheckpoint = async (body: Uint8Array) => {
      const answer = await witness.addCheckpoint(body);
      answers.push(answer.status);
      return answer;
    };
    server = createServer(witnessHandler({ witness: { addCheckpoint }, timers: systemTimers })).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const vkey = formatVkey(publicNoteKey(witnessKey, KEY_TYPE.cosignature));
    policy = `log ${formatVkey(logVkey)}\nwitness w1 ${vkey} http://127.0.0.1:${(server.address() as AddressInfo).port}\nquorum w1\n`;
    writeFileSync(join(folder, 'policy'), policy);
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    rmSync(folder, { recursive: true, force: true });
  });

  /** Lets a Tessera log append entries, and returns its checkpoint as our policy judges it; undefined without one. */
  async function append(log: string, entries: readonly string[]) {
    const from = mkdtempSync(join(folder, 'entries-'));
    for (const [i, entry] of entries.entries()) writeFileSync(join(from, `${i}`), entry);
    const args = [
      `--storage_dir=${join(folder, log)}`,
      `--entries=${from}/*`,
      `--private_key=${join(folder, 'key')}`,
      `--witness_policy_file=${join(folder, 'policy')}`,
      '--witness_timeout=5s',
    ];
    await promisify(execFile)(requireServer('posix-oneshot'), args, { timeout: 10_000, killSignal: 'SIGKILL' });
    return judgeCheckpoint(
      readFileSync(join(folder, log, 'checkpoint')),
      parseTlogPolicy(Buffer.from(policy)),
      'tolerate',
    );
  }

  test('publishes what we cosigned, and goes on from the size that we answer it with', async () => {
    const first = await append('log', ['a', 'b', 'c']);
    expect(first).toMatchObject({ origin: ORIGIN, size: 3, cosignatures: [{ witness: 'w1' }] });
    const second = await append('log', ['d', 'e']);
    expect(second).toMatchObject({ origin: ORIGIN, size: 5, cosignatures: [{ witness: 'w1' }] });
    expect(answers.filter((status) => status !== 200 && status !== 409)).toEqual([]);
  });

  test('publishes nothing of another history that the same key signs', { timeout: 30_000 }, async () => {
    const before = answers.length;
    await expect(append('forked', ['x', 'y', 'z', 'a', 'b', 'c', 'd'])).rejects.toThrow();
    expect(answers.slice(before).length).toBeGreaterThan(0);
    expect(answers.slice(before)).not.toContain(200);
  });
});
