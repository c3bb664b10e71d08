// What a monitor does: it reads heads and hashes of a sidecar's log from the public listener, and has neither its files
// nor its records.
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import {
  CompactRange,
  formatTilePath,
  logVerifier,
  openCheckpoint,
  parseVkey,
  proveConsistency,
  TILE_WIDTH,
  tileHash,
  tileHashReader,
  tilesOfGrowth,
  verifyConsistency,
  type Checkpoint,
  type Tile,
} from '@tallystick/audit';
import { expect, test } from 'vitest';
import { startDaemon, type Daemon } from '../daemon/daemon.ts';
import { socketClient } from '../daemon/socket-client.ts';

/** A log as its listing names it. */
interface Listed {
  readonly origin: string;
  readonly vkey: string;
  readonly path: string;
  readonly closed: boolean;
}

/** A log, as somebody sees it who has its URL prefix and its key. */
class Monitor {
  readonly #prefix: string;
  readonly #verifier: ReturnType<typeof logVerifier>;

  constructor(prefix: string, vkey: string) {
    this.#prefix = prefix;
    this.#verifier = logVerifier(parseVkey(vkey));
  }

  /** Returns a verified head of at least so many records, as soon as there is one. */
  async head(least = 1): Promise<Checkpoint> {
    for (let etag = ''; ;) {
      const answer = await fetch(`${this.#prefix}/checkpoint`, { headers: { 'if-none-match': etag } });
      etag = answer.headers.get('etag') ?? '';
      if (answer.status !== 200) continue;
      const head = openCheckpoint(Buffer.from(await answer.arrayBuffer()), this.#verifier, 'refuse');
      if (head.size >= least) return head;
    }
  }

  readonly readTile = async (tile: Tile): Promise<Uint8Array> => {
    const answer = await fetch(`${this.#prefix}/${formatTilePath(tile)}`);
    expect(answer.status, formatTilePath(tile)).toBe(200);
    return new Uint8Array(await answer.arrayBuffer());
  };
}

async function release(daemon: Daemon, count: number): Promise<void> {
  const client = await socketClient(daemon.socket);
  await client.token();
  await Promise.all(Array.from({ length: count - 1 }, () => client.token()));
}

async function logsOf(daemon: Daemon): Promise<Listed[]> {
  const { logs } = (await (await fetch(`${daemon.publicUrl}/log/`)).json()) as { logs: Listed[] };
  return logs;
}

/** Returns what a path is answered with that is sent as it stands: `fetch` would resolve its dots before. */
function answered(
  daemon: Daemon,
  path: string,
): Promise<[path: string, status: number | undefined, cacheControl: string | undefined]> {
  return new Promise((resolve, reject) => {
    const sent = request(daemon.publicUrl, { path }, (response) => {
      response.resume();
      resolve([path, response.statusCode, response.headers['cache-control']]);
    });
    sent.once('error', reject).end();
  });
}

/** Derives a whole tree from its leaves up, each tile from those below it, and returns the root. */
async function derivedRoot(size: number, { readTile }: Monitor): Promise<Buffer> {
  const leaves = new CompactRange();
  let below: Uint8Array[] = [];
  let level = -1;
  let row: Uint8Array[] = [];
  for (const tile of tilesOfGrowth(0, size)) {
    if (tile.level === 'entries') continue;
    if (tile.level !== level) [below, row, level] = [row, [], tile.level];
    const bytes = await readTile(tile);
    expect(bytes).toHaveLength(tile.width * 32);
    for (let i = 0; i < tile.width; i++) {
      const hash = bytes.subarray(i * 32, (i + 1) * 32);
      if (tile.level === 0) leaves.append(hash);
      else expect(Buffer.from(hash)).toEqual(Buffer.from(below[tile.index * TILE_WIDTH + i]!));
    }
    if (tile.width === TILE_WIDTH) row.push(tileHash(bytes));
  }
  return Buffer.from(leaves.root());
}

test('a monitor finds the log, derives its root from the hashes, and sees that it only grows', async () => {
  await using daemon = await startDaemon();
  const [log, ...others] = await logsOf(daemon);
  expect([log!.closed, others]).toEqual([false, []]);
  const monitor = new Monitor(daemon.publicUrl + log!.path, log!.vkey);
  await release(daemon, 5);
  const first = await monitor.head(5);
  expect(first.origin).toBe(log!.origin);
  expect(await derivedRoot(first.size, monitor)).toEqual(Buffer.from(first.root));

  await release(daemon, 260);
  const second = await monitor.head(first.size + 255);
  expect(await derivedRoot(second.size, monitor)).toEqual(Buffer.from(second.root));
  const proof = await proveConsistency(first.size, second.size, tileHashReader(second.size, monitor.readTile));
  const claim = { size1: first.size, root1: first.root, size2: second.size, root2: second.root, proof };
  verifyConsistency(claim);
  const forked = { ...claim, root1: Buffer.from(first.root).fill(7, 0, 1) };
  expect(() => verifyConsistency(forked)).toThrow();

  // It tells of itself to who asks for the list, and never what a record says.
  const folder = join(daemon.folder, 'state/audit', log!.path.slice('/log/'.length));
  const bundles = readdirSync(join(folder, 'tile/entries'), { recursive: true }).map(
    (name) => `tile/entries/${String(name)}`,
  );
  expect(bundles).toContain('tile/entries/000');
  const elsewhere = [
    'tile/0/../entries/000',
    'tile/0/%2e%2e/entries/000',
    'tile/0/..\\entries\\000',
    '../../../keys/x',
  ];
  for (const name of [...bundles, ...elsewhere, 'vkey', 'journal', 'heads', '/checkpoint']) {
    const path = `${log!.path}/${name}`;
    expect(await answered(daemon, path)).toEqual([path, 404, 'no-store']);
  }
  expect((await fetch(`${daemon.publicUrl}${log!.path}/checkpoint`, { method: 'HEAD' })).status).toBe(200);
  expect((await fetch(`${daemon.publicUrl}${log!.path}/checkpoint`, { method: 'POST' })).status).toBe(405);
});
