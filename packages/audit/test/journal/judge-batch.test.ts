import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CHAIN_START,
  encodeBatch,
  encodeBody,
  HEADER_BYTES,
  MAX_BATCH_BYTES,
  MAX_BATCH_RECORDS,
  type ChainPoint,
} from '../../src/journal/batch.ts';
import { judgeBatch } from '../../src/journal/judge-batch.ts';
import { layOut, takeUp } from '../../src/journal/sectors.ts';

const EPOCH = 7;
// The largest size, or nearly all batches would fit in one sector.
const content = fc.record({
  records: fc.array(fc.uint8Array({ maxLength: 1200, size: 'max' }), { minLength: 1, maxLength: 6 }),
  head: fc.uint8Array({ maxLength: 300 }),
});
const point: fc.Arbitrary<ChainPoint> = fc.record({
  batchNo: fc.nat(),
  seq: fc.nat(),
  prevSha256: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});
/** A batch on a disk, with zeros after it. */
const written = fc.tuple(content, point).map(([{ records, head }, at]) => {
  const { bytes, next } = encodeBatch(EPOCH, at, encodeBody(records, head));
  return { records, head, at, next, length: bytes.length, bytes: Buffer.concat([bytes, Buffer.alloc(1024)]) };
});

describe('a batch on the disk', () => {
  test('is read back byte for byte, and ends at a sector', () => {
    fc.assert(
      fc.property(written, ({ records, head, at, next, bytes, length }) => {
        const verdict = judgeBatch(bytes, 0, EPOCH, at);
        expect(length % 512).toBe(0);
        expect(verdict).toMatchObject({ kind: 'complete', end: length, next });
        if (verdict.kind !== 'complete') return;
        expect(verdict.batch.records.map((record) => Buffer.from(record))).toEqual(
          records.map((record) => Buffer.from(record)),
        );
        expect(Buffer.from(verdict.batch.head)).toEqual(Buffer.from(head));
        expect(verdict.batch.firstSeq).toBe(at.seq);
      }),
    );
  });

  test('is damaged, at the sector of it, when any bit is flipped', () => {
    fc.assert(
      fc.property(written, fc.nat(), fc.nat(7), ({ at, bytes, length }, where, bit) => {
        const offset = where % length;
        bytes[offset]! ^= 1 << bit;
        expect(judgeBatch(bytes, 0, EPOCH, at)).toMatchObject({ kind: 'damaged', offset: offset - (offset % 512) });
      }),
    );
  });

  test('is torn when any of its sectors are missing and nothing else is wrong', () => {
    fc.assert(
      fc.property(written, fc.infiniteStream(fc.boolean()), ({ at, bytes, length }, missing) => {
        let found = length / 512;
        for (let sector = 0; sector < length; sector += 512) {
          if (missing.next().value) continue;
          bytes.fill(0, sector, sector + 512);
          found--;
        }
        const verdict = judgeBatch(bytes, 0, EPOCH, at);
        if (found === length / 512) expect(verdict.kind).toBe('complete');
        else expect(verdict).toEqual(found === 0 ? { kind: 'end' } : { kind: 'torn', found });
      }),
    );
  });

  test('is damaged, not torn, when sectors are missing and anything follows', () => {
    fc.assert(
      fc.property(written, content, fc.nat(), ({ at, next, bytes, length }, { records, head }, which) => {
        const after = encodeBatch(EPOCH, next, encodeBody(records, head)).bytes;
        const both = Buffer.concat([bytes.subarray(0, length), after]);
        const sector = (which % (length / 512)) * 512;
        both.fill(0, sector, sector + 512);
        expect(judgeBatch(both, 0, EPOCH, at).kind).toBe('damaged');
      }),
    );
  });

  test('is not taken for one of another place, epoch or chain', () => {
    fc.assert(
      fc.property(written, ({ at, bytes }) => {
        expect(judgeBatch(bytes, 0, EPOCH + 1, at).kind).toBe('damaged');
        expect(judgeBatch(bytes, 0, EPOCH, { ...at, batchNo: at.batchNo + 1 }).kind).toBe('damaged');
        expect(judgeBatch(bytes, 0, EPOCH, { ...at, seq: at.seq + 1 }).kind).toBe('damaged');
        expect(judgeBatch(bytes, 0, EPOCH, { ...at, prevSha256: hash('sha256', at.prevSha256, 'buffer') }).kind).toBe(
          'damaged',
        );
      }),
    );
  });

  test('is damaged when the file ends inside it, at a sector too', () => {
    fc.assert(
      fc.property(written, fc.nat(), fc.boolean(), ({ at, bytes, length }, where, aligned) => {
        fc.pre(length > 512);
        const cut = 512 + (where % (length - 512));
        const end = aligned ? cut - (cut % 512) : cut;
        expect(judgeBatch(bytes.subarray(0, end), 0, EPOCH, at)).toMatchObject({ kind: 'damaged', offset: end });
      }),
    );
  });
});

test('a record never reads as a head, nor a head as a record: the digest covers kinds', () => {
  const { bytes } = encodeBatch(EPOCH, CHAIN_START, encodeBody([Buffer.from('record')], Buffer.from('head')));
  const stream = takeUp(bytes, 0, 1);
  const used = HEADER_BYTES + stream.readUInt32BE(64);
  stream[HEADER_BYTES] = 0x48;
  const forged = layOut(stream.subarray(0, used), { epoch: EPOCH, batchNo: 0 });
  expect(judgeBatch(forged, 0, EPOCH, CHAIN_START)).toMatchObject({
    kind: 'damaged',
    why: 'a batch contradicts its own digest',
  });
  // And with a digest that fits, the order of kinds still does not.
  hash('sha256', stream.subarray(40, used), 'buffer').copy(stream, 8);
  const signed = layOut(stream.subarray(0, used), { epoch: EPOCH, batchNo: 0 });
  expect(judgeBatch(signed, 0, EPOCH, CHAIN_START).kind).toBe('damaged');
});

test('a byte that was changed under checksums that fit is found by the digest', () => {
  fc.assert(
    fc.property(written, fc.nat(), ({ at, bytes, length }, where) => {
      const stream = takeUp(bytes, 0, length / 512);
      const offset = HEADER_BYTES + (where % stream.readUInt32BE(64));
      stream[offset]! ^= 1;
      const forged = layOut(stream, { epoch: EPOCH, batchNo: at.batchNo });
      expect(judgeBatch(forged, 0, EPOCH, at)).toMatchObject({
        kind: 'damaged',
        why: 'a batch contradicts its own digest',
      });
    }),
  );
});

test('a record beyond the limit is refused, however well it is signed for', () => {
  const long = 65_536;
  const frame = (kind: number, content: Buffer): Buffer => {
    const prefix = Buffer.of(kind, 0, 0, 0, 0);
    prefix.writeUInt32BE(content.length, 1);
    return Buffer.concat([prefix, content]);
  };
  const judge = (length: number) => {
    const body = Buffer.concat([frame(0x52, Buffer.alloc(length)), frame(0x48, Buffer.from('head'))]);
    return judgeBatch(encodeBatch(EPOCH, CHAIN_START, { count: 1, bytes: body }).bytes, 0, EPOCH, CHAIN_START).kind;
  };
  expect([judge(long - 1), judge(long)]).toEqual(['complete', 'damaged']);
});

test('no bytes make the judgement throw, not even behind checksums that are right', () => {
  const bytes = fc.uint8Array({ maxLength: 4096, size: 'max' });
  fc.assert(
    fc.property(bytes, fc.nat(3), fc.boolean(), point, (noise, start, header, at) => {
      const stream = Buffer.from(noise);
      if (header && stream.length >= HEADER_BYTES) {
        encodeBatch(EPOCH, at, { count: 1, bytes: stream.subarray(HEADER_BYTES) }).bytes.copy(
          stream,
          0,
          0,
          HEADER_BYTES,
        );
        stream.writeUInt32BE(noise.length % 3000, 64);
        hash('sha256', stream.subarray(40, HEADER_BYTES + stream.readUInt32BE(64)), 'buffer').copy(stream, 8);
      }
      const forged = layOut(stream, { epoch: EPOCH, batchNo: at.batchNo });
      for (const disk of [Buffer.from(noise), Buffer.concat([Buffer.alloc(start * 512), forged])]) {
        expect(['complete', 'torn', 'damaged', 'end']).toContain(judgeBatch(disk, start * 512, EPOCH, at).kind);
      }
    }),
    { numRuns: 300 },
  );
});

// The numbers are those of Python's zlib and hashlib, over the same layout written with struct.pack.
test('the checksum of a sector is the CRC-32 of 508 bytes, begun at CRC-32(epoch, batch number) + index', () => {
  const { bytes } = encodeBatch(1, CHAIN_START, encodeBody([Buffer.alloc(600, 0x61)], Buffer.from('head')));
  expect(bytes.length).toBe(1024);
  expect([508, 1020].map((at) => bytes.readUInt32BE(at).toString(16))).toEqual(['9d22c3c', '77072b8e']);
  expect(bytes.subarray(0, 8).toString('latin1')).toBe('TSBATCH1');
});

test('what is too long is refused before anything is written', () => {
  const head = Buffer.alloc(1);
  for (const [records, by] of [
    [[], head],
    [[Buffer.alloc(65_536)], head],
    [Array.from({ length: MAX_BATCH_RECORDS + 1 }, () => head), head],
    [[head], Buffer.alloc(16_385)],
    [Array.from({ length: 16 }, () => Buffer.alloc(65_535)), head],
  ] as const) {
    expect(() => encodeBody(records, by)).toThrow(
      expect.objectContaining({ fault: 'record_too_long', code: 'record_unavailable' }),
    );
  }
  expect(MAX_BATCH_BYTES + 512).toBeLessThan(1024 * 1024);
});
