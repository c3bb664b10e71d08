import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import {
  createNodeLogFiles,
  createWitness,
  foldersIn,
  formatVkey,
  KEY_TYPE,
  logFolder,
  logVerifier,
  openWitnessFolder,
  parseTlogPolicy,
  parseVkey,
  publicNoteKey,
  verifyLogFolder,
  witnessHandler,
} from '@tallystick/audit';
import { systemClock, systemRandom, systemTimers } from '@tallystick/core';
import { expect, onTestFinished, test } from 'vitest';
import { openAnchoring, type AnchoringOptions } from '../../src/anchor/open-anchoring.ts';
import type { AnchoredHeadMember } from '../../src/anchor/anchoring.ts';
import type { Config } from '../../src/config/config.ts';
import type { OpenRecorderOptions, OpenedRecorder } from '../../src/record/opened-recorder.ts';
import { openShardAnchoring } from '../../src/record/shards/shard-anchoring.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime } from '../manual-time.ts';
import { memoryLog } from '../memory-log.ts';
import { openedRecorder, recordsOf, SIDECAR } from '../record/opened-recorder.ts';

const INTERVAL_MS = 100;

/** A witness on a server that watches every log whose key lies in a folder of logs. */
async function servedWitness(logs: string): Promise<{ policy: string; stop: () => void }> {
  const folder = temporaryFolder();
  const key = { name: 'w1.example', privateKey: generateKeyPairSync('ed25519').privateKey };
  const store = await openWitnessFolder({
    folder,
    openFiles: createNodeLogFiles,
    lock: async () => ({ release: async () => {} }),
  });
  const vkeyFile = (origin: string) => join(logs, ...origin.split('/').slice(-2), 'vkey');
  const witness = createWitness({
    store,
    key,
    clock: systemClock,
    logs: (origin) => [logVerifier(parseVkey(readFileSync(vkeyFile(origin), 'utf8').trim()))],
  });
  const server = createServer(witnessHandler({ witness, timers: systemTimers })).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  onTestFinished(stop);
  const { port } = server.address() as AddressInfo;
  const vkey = formatVkey(publicNoteKey(key, KEY_TYPE.cosignature));
  return { policy: `witness w1 ${vkey} http://127.0.0.1:${port}\nquorum w1\n`, stop };
}

/** Opens a recorder whose log becomes known to a witness and in a replica, by the machine's clock. */
async function anchoredRecorder(
  folder: string,
  audit: Partial<Config['audit']>,
  options: Partial<OpenRecorderOptions> = {},
  anchoring: Partial<AnchoringOptions> = {},
): Promise<OpenedRecorder> {
  const config: Config['audit'] = {
    durability: 'node',
    localMax: undefined,
    escrow: undefined,
    fiscalYear: { start: '01-01', zone: 'UTC' },
    anchors: { policy: undefined, intervalMs: INTERVAL_MS },
    replica: undefined,
    hold: false,
    ...audit,
  };
  return openedRecorder(folder, {
    clock: systemClock,
    anchor: (first) =>
      openShardAnchoring({
        log: first,
        open: (log) =>
          openAnchoring({
            log,
            folder,
            config,
            clock: systemClock,
            timers: systemTimers,
            random: systemRandom,
            logger: memoryLog(),
            published: () => {},
            replicated: () => {},
            ...anchoring,
          }),
        logger: memoryLog(),
      }),
    ...options,
  });
}

async function append(recorder: OpenedRecorder, count: number): Promise<void> {
  const input = { actor: 'sidecar', owner: null, process: null, registry: null, lease: null, trace: null } as const;
  for (let i = 0; i < count; i++) {
    await recorder.append({
      ...input,
      type: 'sidecar.stopped',
      outcome: 'success',
      reason: null,
      body: { cause: `test ${i}` },
    });
  }
}

/** Verifies what a replica holds of all logs, each under its newest head. */
async function verifiedReplica(replica: string, logs: string, witness: string) {
  const own = join(replica, 'acme.example', SIDECAR);
  const paths = foldersIn(own).flatMap((one) => foldersIn(join(own, one)).map((two) => `${one}/${two}`));
  for (const path of paths) {
    const heads = readdirSync(join(own, path, 'anchored')).toSorted();
    copyFileSync(join(own, path, 'anchored', heads.at(-1)!), join(own, path, 'checkpoint'));
    writeFileSync(
      join(own, path, 'heads'),
      heads.map((head) => `${readFileSync(join(own, path, 'anchored', head), 'utf8')}\n`).join(''),
    );
  }
  const lines = paths.map((path) => `log ${readFileSync(join(logs, path, 'vkey'), 'utf8').trim()}\n`);
  const report = await verifyLogFolder({
    readFile: logFolder(own),
    listFolders: (path) => foldersIn(join(own, path)),
    policy: parseTlogPolicy(Buffer.from(lines.join('') + witness)),
    level: 'full',
    nowMs: Date.now(),
  });
  return { paths, report };
}

test('a shard that is cut is brought to its end in the replica, and the next one is cosigned and copied from its first record on', async () => {
  const [folder, replica] = [temporaryFolder(), temporaryFolder()];
  const { policy: witness } = await servedWitness(folder);
  writeFileSync(join(folder, 'policy'), witness);
  const recorder = await anchoredRecorder(
    folder,
    {
      anchors: { policy: join(folder, 'policy'), intervalMs: INTERVAL_MS },
      replica: { kind: 'folder', folder: replica },
    },
    { shardRecords: 300 },
  );
  recorder.startCutting({ identities: [], isSuspended: () => false, leases: () => [], onCut: () => {} });
  await append(recorder, 310);
  expect(recorder.place).toEqual({ incarnation: 1, shard: 2 });
  const second = join(replica, 'acme.example', SIDECAR, '1/2/anchored');
  const known = () => ({ ...recorder.status(), copied: existsSync(second) });
  await expect.poll(known).toMatchObject({
    copied: true,
    durability: 'replicated',
    anchoring: { rollback: 'detectable', quorum: 'reached' },
  });
  await recorder.close();
  const { paths, report } = await verifiedReplica(replica, folder, witness);
  expect(paths).toEqual(['1/1', '1/2']);
  expect([report.integrity, report.completeness]).toMatchObject([{ verdict: 'holds' }, { verdict: 'holds' }]);
  expect(report.logs.map(({ head }) => head?.size)).toEqual(
    paths.map((path) => Number(readFileSync(join(folder, path, 'checkpoint'), 'utf8').split('\n')[1])),
  );
});

test('what an earlier run left out of the replica is copied by the next one, of all logs before', async () => {
  const [folder, replica] = [temporaryFolder(), temporaryFolder()];
  const first = await openedRecorder(folder, { clock: systemClock, shardRecords: 300 });
  first.startCutting({ identities: [], isSuspended: () => false, leases: () => [], onCut: () => {} });
  await append(first, 310);
  await first.close();
  const place = { kind: 'folder', folder: replica } as const;
  const second = await anchoredRecorder(folder, { replica: place });
  await second.close();
  const { paths, report } = await verifiedReplica(replica, folder, 'quorum none\n');
  expect(paths).toEqual(['1/1', '1/2']);
  expect(report.integrity.verdict).toBe('holds');
});

test('a replica whose folder is not there is not made, and is taken up as soon as it is there', async () => {
  const folder = temporaryFolder();
  const replica = join(temporaryFolder(), 'mounted-later');
  const recorder = await anchoredRecorder(folder, { replica: { kind: 'folder', folder: replica } });
  await append(recorder, 3);
  expect(recorder.status()).toMatchObject({ durability: 'node', anchoring: { replica: { acknowledged: false } } });
  expect(existsSync(replica)).toBe(false);
  mkdirSync(replica);
  await expect.poll(() => recorder.status().durability, { timeout: 5000 }).toBe('replicated');
});

test('a replica that has gone on without the witnesses does so in the next run too', async () => {
  const [folder, replica] = [temporaryFolder(), temporaryFolder()];
  const { policy, stop } = await servedWitness(folder);
  writeFileSync(join(folder, 'policy'), policy);
  const audit = {
    anchors: { policy: join(folder, 'policy'), intervalMs: INTERVAL_MS },
    replica: { kind: 'folder', folder: replica },
  } as const;
  const first = await anchoredRecorder(folder, audit);
  stop();
  await append(first, 600);
  await first.close();
  const second = await anchoredRecorder(folder, audit);
  await second.close();
  expect(second.status()).toMatchObject({ durability: 'replicated', anchoring: { failing: ['w1'] } });
  const { report } = await verifiedReplica(replica, folder, policy);
  expect(report.integrity.verdict).toBe('holds');
  expect(report.logs[0]!.head?.size).toBe(second.status().size);
});

test('the published head is told at the pace of anchors, once, whoever is or is not configured', async () => {
  const told: AnchoredHeadMember[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const folder = temporaryFolder();
  const recorder = await anchoredRecorder(
    folder,
    {},
    {},
    {
      published(head) {
        told.push(head);
        resolve();
      },
    },
  );
  await promise;
  await recorder.close();
  const [origin, size, root] = readFileSync(join(folder, '1/1/checkpoint'), 'utf8').split('\n');
  expect(told.at(-1)).toEqual({ origin, size: Number(size), root });
  expect(new Set(told.map((head) => head.size)).size).toBe(told.length);
  expect(recorder.status()).toMatchObject({
    durability: 'node',
    anchoring: { rollback: 'undetectable', replica: null },
  });
});

test('a heartbeat names the newest head that the quorum has, and what makes records last', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'policy'), (await servedWitness(folder)).policy);
  const time = manualTime();
  // Cosigned while it starts, and not again in this test.
  const anchors = { policy: join(folder, 'policy'), intervalMs: 3_600_000 };
  const recorder = await anchoredRecorder(folder, { anchors }, { heartbeat: time });
  const [origin, size, root] = readFileSync(join(folder, '1/1/heads'), 'utf8').split('\n');
  time.advance(60_000);
  await append(recorder, 1);
  const beat = (await recordsOf(recorder)).find(({ type }) => type === 'log.heartbeat');
  expect(beat?.body).toMatchObject({ anchor: { origin, size: Number(size), root }, durability: { class: 'node' } });
});
