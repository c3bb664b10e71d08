import { describe, expect, test } from 'vitest';
import { systemTimers, TallystickError } from '@tallystick/core';
import {
  cosigner,
  formatVkey,
  formatSignatureLine,
  KEY_TYPE,
  parseNote,
  parseTlogPolicy,
  publicNoteKey,
  signatureOf,
} from '../../src/index.ts';
import { anchorRound, witnessesOf } from '../../src/anchor/anchor-round.ts';
import { openAnchors } from '../../src/anchor/anchors.ts';
import { parseHeads } from '../../src/verify/heads.ts';
import { GrowingLog, newKey, ORIGIN } from './growing-log.ts';
import { MemoryHeadsFile } from './memory-heads-file.ts';

const NOW_MS = 1_795_000_000_000;
const clock = { nowMs: () => NOW_MS, monotonicMs: () => 0 };
const log = new GrowingLog(newKey(ORIGIN));
const keys = [newKey('w1.example'), newKey('w2.example')];
const lines = keys.map(
  (key, i) => `witness w${i + 1} ${formatVkey(publicNoteKey(key, KEY_TYPE.cosignature))} https://w${i + 1}.example/\n`,
);
const away = `witness away ${formatVkey(publicNoteKey(newKey('away.example'), KEY_TYPE.cosignature))}\n`;
const policy = parseTlogPolicy(
  Buffer.from(`log ${log.vkey}\n${lines.join('')}${away}group g 2 w1 w2 away\nquorum g\n`),
);

/** A network of witnesses, of which some are down; each remembers what it was sent. */
function network(down: ReadonlySet<string>) {
  const sent: string[] = [];
  const fetch: typeof globalThis.fetch = async (url, init) => {
    const { host } = new URL(url as string);
    if (down.has(host)) throw new TypeError('fetch failed');
    const body = Buffer.from(init!.body as Uint8Array);
    sent.push(`${host} ${body.toString('latin1').split('\n')[0]}`);
    const key = keys.find(({ name }) => name === host)!;
    const { text } = parseNote(body.subarray(body.indexOf('\n\n') + 2));
    return new Response(
      formatSignatureLine(
        signatureOf(
          cosigner(key, () => NOW_MS / 1000),
          text,
        ),
      ),
    );
  };
  return { fetch, sent };
}

describe('a round of anchoring', () => {
  const round = async (file: MemoryHeadsFile, size: number, down: string[], signal?: AbortSignal) => {
    const anchors = await openAnchors({ file, origin: ORIGIN, policy, clock });
    const { fetch, sent } = network(new Set(down));
    const calls = { fetch, clock, timers: systemTimers, timeoutMs: 1000, ...(signal && { signal }) };
    const done = await anchorRound({
      ...calls,
      checkpoint: log.signed(size),
      readHashes: log.readHashes,
      witnesses: witnessesOf(policy),
      anchors,
    });
    return { ...done, sent, state: anchors.state() };
  };

  test('asks the witnesses of the policy that have a URL, each from its own size, and keeps one head with all cosignatures', async () => {
    const file = new MemoryHeadsFile();
    expect((await round(file, 5, ['w2.example'])).sent).toEqual(['w1.example old 0']);
    const { head, failures, sent, state } = await round(file, 9, []);
    expect(sent.toSorted()).toEqual(['w1.example old 5', 'w2.example old 0']);
    expect(failures).toEqual([]);
    expect(head).toMatchObject({ size: 9, cosignatures: [{ witness: 'w1' }, { witness: 'w2' }] });
    expect(state).toMatchObject({ rollback: 'detectable', quorum: 'reached', anchor: { size: 9 } });
    expect(parseHeads(file.bytes)).toHaveLength(2);
  });

  test('in which one witness fails keeps what the others gave, and names the one', async () => {
    const { head, failures, state } = await round(new MemoryHeadsFile(), 9, ['w1.example']);
    expect(failures).toMatchObject([{ witness: 'w1', error: { fault: 'witness_unreachable', retryable: true } }]);
    expect(head?.cosignatures).toMatchObject([{ witness: 'w2' }]);
    expect(state).toMatchObject({ rollback: 'undetectable', quorum: 'missed', cosigned: { size: 9 } });
  });

  test('in which all fail keeps nothing', async () => {
    const file = new MemoryHeadsFile();
    const { head, failures } = await round(file, 9, ['w1.example', 'w2.example']);
    expect([head, failures.length, file.bytes.length]).toEqual([undefined, 2, 0]);
  });

  test('that is stopped ends with the reason', async () => {
    const file = new MemoryHeadsFile();
    const stopped = round(file, 9, ['w1.example'], AbortSignal.abort(new TallystickError('stopping', 'by request')));
    await expect(stopped).rejects.toMatchObject({ code: 'stopping' });
    expect(file.bytes).toHaveLength(0);
  });
});
