import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encodeBody, type Batch } from '../../src/journal/batch.ts';
import { planRecovery } from '../../src/journal/recovery-plan.ts';
import { recoverJournal, type Recovery } from '../../src/journal/recovery.ts';
import { SIZES } from './lives.ts';
import { dice, ModelDisk } from './model-disk.ts';

const recover = (disk: ModelDisk): Recovery & { found: Batch[] } => {
  const found: Batch[] = [];
  return { ...recoverJournal({ disk, sizes: SIZES, onBatch: (batch) => found.push(batch) }), found };
};
const record = (seq: number): Buffer => Buffer.from(`record ${seq} `.repeat(80));
/** A journal of `batches` batches of two records, closed. */
function journalOf(batches: number): ModelDisk {
  const disk = new ModelDisk(dice(1));
  const { journal } = recover(disk);
  for (let no = 0; no < batches; no++)
    journal.commit(encodeBody([record(2 * no), record(2 * no + 1)], Buffer.from(`head ${no}`)));
  journal.close();
  return disk;
}
const refused = (disk: ModelDisk) => {
  try {
    recover(disk);
  } catch (error) {
    return error;
  }
  throw new Error('was accepted');
};
const segments = (disk: ModelDisk): string[] => disk.list().sort();

describe('recovery', () => {
  test('gives every batch with its records and head, and goes on after them under a new epoch', () => {
    const disk = journalOf(9);
    const before = segments(disk);
    expect(before.length).toBeGreaterThan(1);
    const { journal, found, firstSeq, nextSeq, epoch, torn } = recover(disk);
    expect({ firstSeq, nextSeq, epoch, torn }).toEqual({ firstSeq: 0, nextSeq: 18, epoch: 2, torn: 0 });
    expect(found.map(({ head }) => Buffer.from(head).toString())).toEqual(
      Array.from({ length: 9 }, (_, no) => `head ${no}`),
    );
    expect(found.flatMap(({ records }) => records).map((bytes) => Buffer.from(bytes))).toEqual(
      Array.from({ length: 18 }, (_, seq) => record(seq)),
    );
    expect(journal.commit(encodeBody([record(18)], Buffer.from('head')))).toEqual({
      batchNo: 9,
      firstSeq: 18,
      nextSeq: 19,
    });
  });

  test('copies the newest segment into a new one, removes the old, and touches no other', () => {
    const disk = journalOf(9);
    const before = segments(disk);
    recover(disk).journal.close();
    const after = segments(disk);
    expect(after.slice(0, -1)).toEqual(before.slice(0, -1));
    expect(after.at(-1)).toBe(before.at(-1)!.replace('-0000000001.', '-0000000002.'));
  });

  test('refuses a byte flipped in the last acknowledged batch, names it and the next step, and changes nothing', () => {
    const disk = journalOf(1);
    const [name] = segments(disk);
    disk.flip(name!, 512 + 200, 1);
    const before = disk.files();
    expect(refused(disk)).toMatchObject({
      code: 'state_unusable',
      fault: 'damaged',
      place: { segment: name, offset: 512 },
      message: expect.stringMatching(/is damaged at byte 512: .*; copy the folder away as evidence/),
    });
    expect(disk.files()).toEqual(before);
  });

  test('refuses a segment that is missing between others, and names the records', () => {
    const disk = journalOf(20);
    const [, second] = segments(disk);
    disk.unlink(second!);
    expect(refused(disk)).toMatchObject({
      code: 'state_unusable',
      fault: 'gap',
      message: expect.stringContaining('records '),
    });
  });

  test('refuses a torn batch in a segment that others follow', () => {
    const disk = journalOf(9);
    const first = segments(disk)[0]!;
    const file = disk.open(first);
    const used = Math.ceil((Buffer.from(file.read(0, file.size())).findLastIndex((byte) => byte !== 0) + 1) / 512);
    file.write(Buffer.alloc(512), (used - 1) * 512);
    expect(refused(disk)).toMatchObject({ fault: 'damaged', place: { segment: first } });
  });

  test.each([
    ['inside a batch', 2048],
    ['between batches', 512],
  ])('refuses a file that was cut short %s', (_, length) => {
    const disk = journalOf(1);
    const [name] = segments(disk);
    const bytes = disk.files().get(name!)!;
    disk.unlink(name!);
    disk.create(name!).write(bytes.subarray(0, length), 0);
    expect(refused(disk)).toMatchObject({ fault: 'damaged', place: { segment: name, offset: length } });
  });

  test('refuses a segment under the name of another', () => {
    const disk = journalOf(1);
    disk.rename(segments(disk)[0]!, '0000000000000000-0000000009.journal');
    expect(refused(disk)).toMatchObject({ fault: 'damaged', message: expect.stringContaining('contradicts its name') });
  });

  test('refuses the file of a later version as such', () => {
    const disk = journalOf(1);
    const name = segments(disk)[0]!;
    const file = disk.open(name);
    const header = Buffer.from(file.read(0, 68));
    header.writeUInt32BE(2, 8);
    file.write(Buffer.concat([header, createHash('sha256').update(header).digest()]), 0);
    expect(refused(disk)).toMatchObject({ code: 'state_newer' });
  });

  test('knows where it stands when all full segments were released and the newest holds nothing', () => {
    const disk = journalOf(0);
    const { journal } = recover(disk);
    let named = false;
    disk.fault = (call) => {
      named ||= call === 'rename';
      return named && call === 'write' ? 'enospc' : undefined;
    };
    let no = 0;
    expect(() => {
      for (; ; no++) journal.commit(encodeBody([record(no)], Buffer.from('head')));
    }).toThrow(/no space is left/);
    disk.fault = () => undefined;

    const after = recover(disk.afterPowerLoss('torn'));
    expect(after.found).toHaveLength(no);
    const crashed = disk.restarted();
    recover(crashed).journal.release(no);
    expect(segments(crashed)).toHaveLength(1);
    const { journal: next, found, firstSeq, nextSeq } = recover(crashed);
    expect({ found, firstSeq, nextSeq }).toEqual({ found: [], firstSeq: no, nextSeq: no });
    expect(next.commit(encodeBody([record(no)], Buffer.from('head')))).toMatchObject({ batchNo: no, firstSeq: no });
  });

  test('releases only segments that are full and wholly below', () => {
    const disk = journalOf(0);
    const { journal } = recover(disk);
    for (let no = 0; no < 9; no++)
      journal.commit(encodeBody([record(2 * no), record(2 * no + 1)], Buffer.from('head')));
    const all = segments(disk);
    const second = Number(all[1]!.slice(0, 16));
    journal.release(second - 1);
    expect(segments(disk)).toEqual(all);
    journal.release(second);
    expect(segments(disk)).toEqual(all.slice(1));
  });

  test('makes each removal of a release durable before the next, lest a crash bring back one without its successor', () => {
    const disk = journalOf(0);
    const { journal } = recover(disk);
    for (let no = 0; no < 20; no++)
      journal.commit(encodeBody([record(2 * no), record(2 * no + 1)], Buffer.from('head')));
    const full = segments(disk).length - 1;
    const calls: string[] = [];
    disk.fault = (call) => void calls.push(call);
    journal.release(40);
    expect(full).toBeGreaterThan(1);
    expect(calls).toEqual(Array.from({ length: full }, () => ['unlink', 'syncFolder']).flat());
  });

  test('reads segments of other sizes than it makes', () => {
    const found: Batch[] = [];
    const { nextSeq } = recoverJournal({ disk: journalOf(9), onBatch: (batch) => found.push(batch) });
    expect([found.length, nextSeq]).toEqual([9, 18]);
  });

  test('leaves names alone that are not its own', () => {
    const disk = journalOf(1);
    disk.create('README');
    disk.create('x.tmp');
    recover(disk);
    expect(disk.list()).toEqual(expect.arrayContaining(['README', 'x.tmp']));
  });
});

test('of two segments that begin at one record the later epoch counts, and both go', () => {
  const name = (seq: number, epoch: number) =>
    `${String(seq).padStart(16, '0')}-${String(epoch).padStart(10, '0')}.journal`;
  expect(planRecovery([name(8, 3), name(0, 1), name(8, 2), `${name(8, 4)}.tmp`, 'lock'])).toEqual({
    segments: [
      { firstSeq: 0, epoch: 1 },
      { firstSeq: 8, epoch: 3 },
    ],
    superseded: [name(8, 2), name(8, 3)],
    temporary: [`${name(8, 4)}.tmp`],
    nextEpoch: 4,
  });
});

test('a folder that cannot be read is said to be so, with the cause', () => {
  const cause = Object.assign(new Error('i/o error'), { code: 'EIO' });
  const disk = Object.assign(journalOf(1), {
    open: () => {
      throw cause;
    },
  });
  expect(refused(disk)).toMatchObject({ code: 'state_unusable', fault: 'unreadable', cause });
});
