import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddCheckpoint, logSigner, signCheckpoint, signNote, formatNote, parseNote } from '../../src/index.ts';
import { judgeAddCheckpoint, type Judgement } from '../../src/anchor/judge-add-checkpoint.ts';
import { openAddCheckpoint, type RefusedRequest } from '../../src/anchor/open-add-checkpoint.ts';
import { GrowingLog, newKey, ORIGIN } from './growing-log.ts';

const log = new GrowingLog(newKey(ORIGIN));
const logs = (origin: string) => (origin === ORIGIN ? [log.verifier] : []);
const at = (size: number, of = log) => ({ origin: ORIGIN, size, root: of.root(size) });

function judge(known: number | undefined, body: Uint8Array): Judgement | RefusedRequest {
  const request = openAddCheckpoint(body, logs);
  return 'status' in request ? request : judgeAddCheckpoint(known === undefined ? undefined : at(known), request);
}

describe('a witness judges a checkpoint by tlog-witness, add-checkpoint:', () => {
  test.each([
    [undefined, 0, 0],
    [undefined, 0, 1],
    [undefined, 0, 300],
    [0, 0, 7],
    [5, 5, 5],
    [5, 5, 6],
    [256, 256, 300],
  ])('after %s it cosigns growth from %i to %i', async (known, oldSize, size) => {
    expect(judge(known, await log.request(oldSize, size))).toEqual({ status: 200 });
  });

  test('an unknown origin is answered 404', async () => {
    const stranger = new GrowingLog(newKey('acme.example/sidecar-2/1/1'));
    expect(judge(undefined, await stranger.request(0, 3))).toMatchObject({ status: 404 });
  });

  test('a checkpoint that no trusted key has signed is answered 403, whatever it says', async () => {
    const impostor = new GrowingLog(newKey(ORIGIN));
    expect(judge(5, await impostor.request(5, 9))).toMatchObject({ status: 403 });
    const checkpoint = signCheckpoint(at(9), [logSigner(newKey('somebody.example'))]);
    expect(judge(5, formatAddCheckpoint({ oldSize: 5, proof: [], checkpoint }))).toMatchObject({ status: 403 });
  });

  test('signatures of unknown keys are ignored beside a good one', async () => {
    const text = parseNote(log.signed(9)).text;
    const checkpoint = formatNote(signNote(text, [logSigner(newKey('somebody.example')), logSigner(log.key)]));
    const request = openAddCheckpoint(
      formatAddCheckpoint({ oldSize: 5, proof: await log.prove(5, 9), checkpoint }),
      logs,
    );
    expect(request).toMatchObject({ signatures: [{ name: ORIGIN }] });
  });

  test('an old size above that of the checkpoint is answered 400', async () => {
    expect(judge(9, formatAddCheckpoint({ oldSize: 9, proof: [], checkpoint: log.signed(8) }))).toMatchObject({
      status: 400,
    });
  });

  test('what is no request is answered 400', () => {
    for (const body of ['', 'old 0\n\n', `old 0\n\n${ORIGIN}\n1\n`]) {
      expect(judge(undefined, Buffer.from(body))).toMatchObject({ status: 400 });
    }
  });

  test('another old size is answered 409 with the size of the last one, 0 where there was none', async () => {
    expect(judge(7, await log.request(5, 9))).toEqual({ status: 409, size: 7 });
    expect(judge(7, await log.request(0, 9))).toEqual({ status: 409, size: 7 });
    expect(judge(undefined, await log.request(5, 9))).toEqual({ status: 409, size: 0 });
  });

  test('a second root of the same size is answered 409', async () => {
    expect(judge(7, await log.forkedAt(3).request(7, 7))).toEqual({ status: 409, size: 7 });
  });

  test('a proof that does not hold is answered 422', async () => {
    expect(judge(5, await log.forkedAt(3).request(5, 9))).toMatchObject({ status: 422 });
    const proof = await log.prove(5, 9);
    for (const wrong of [[], proof.slice(1), [...proof, proof[0]!]]) {
      const body = formatAddCheckpoint({ oldSize: 5, proof: wrong, checkpoint: log.signed(9) });
      expect(judge(5, body)).toMatchObject({ status: 422 });
    }
  });

  test('a proof from size 0, or between equal sizes, has to be empty', async () => {
    const proof = await log.prove(5, 9);
    expect(judge(undefined, formatAddCheckpoint({ oldSize: 0, proof, checkpoint: log.signed(9) }))).toMatchObject({
      status: 422,
    });
    expect(judge(9, formatAddCheckpoint({ oldSize: 9, proof, checkpoint: log.signed(9) }))).toMatchObject({
      status: 422,
    });
  });

  test('an empty log with the root of another is answered 422', () => {
    const checkpoint = signCheckpoint({ origin: ORIGIN, size: 0, root: log.root(1) }, [logSigner(log.key)]);
    expect(judge(undefined, formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint }))).toMatchObject({ status: 422 });
  });

  test('a request with any one bit flipped is refused', async () => {
    const body = await log.request(5, 9);
    expect(judge(5, body)).toEqual({ status: 200 });
    for (let bit = 0; bit < body.length * 8; bit++) {
      const flipped = Buffer.from(body);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(judge(5, flipped).status, `bit ${bit}`).not.toBe(200);
    }
  });

  test('a log that forks, shrinks, or shows two heads of one size is never cosigned, whatever it is asked with', async () => {
    const step = fc.record({
      fork: fc.boolean(),
      size: fc.nat(24),
      oldSize: fc.option(fc.nat(24)),
      cross: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.array(step, { maxLength: 12 }), async (forkAt, steps) => {
        const fork = log.forkedAt(forkAt);
        const cosigned: { size: number; forked: boolean }[] = [];
        for (const { fork: forked, size, oldSize, cross } of steps) {
          const [of, other] = forked ? [fork, log] : [log, fork];
          const last = cosigned.at(-1);
          const from = oldSize ?? last?.size ?? 0;
          const proof = await (cross ? other : of).prove(from, size);
          const request = openAddCheckpoint(
            formatAddCheckpoint({ oldSize: from, proof, checkpoint: of.signed(size) }),
            logs,
          );
          if ('status' in request) throw new Error('a request of the log is well formed');
          const known = last && at(last.size, last.forked ? fork : log);
          if (judgeAddCheckpoint(known, request).status === 200) cosigned.push({ size, forked });
        }
        for (const [i, later] of cosigned.entries()) {
          for (const earlier of cosigned.slice(0, i)) {
            expect(earlier.size).toBeLessThanOrEqual(later.size);
            if (earlier.size > forkAt) expect(later.forked).toBe(earlier.forked);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
