import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { formatReceiptLine, MAX_RECEIPT_LENGTH, TallystickError, type ReceiptLine } from '@tallystick/core';
import { expect, onTestFinished, test } from 'vitest';
import { readReceipts } from '../../../../src/cli/audit/reconcile/read-receipts.ts';
import { mark, receipt, receiptsFile } from './facts.ts';

function file(content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-receipts-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'receipts.jsonl');
  writeFileSync(path, content);
  return path;
}

function read(...paths: readonly string[]) {
  const lines: ReceiptLine[] = [];
  return { ...readReceipts(paths, (line) => lines.push(line)), seqs: lines.map(({ seq }) => seq) };
}

const LINES = receiptsFile([mark(), ...Array.from({ length: 2000 }, () => receipt())]);

test('every line of every file is read, over any border of a piece', () => {
  expect(LINES.length).toBeGreaterThan(3 * 262_144);
  const { lines, unreadable, torn, seqs } = read(file(LINES), file(receiptsFile([mark()], 5000)));
  expect({ lines, unreadable, torn }).toEqual({ lines: 2002, unreadable: 0, torn: 0 });
  expect(seqs).toEqual([...Array.from({ length: 2001 }, (_, i) => i), 5000]);
});

test('a file that was cut anywhere gives every whole line, and says that it is torn', () => {
  const whole = receiptsFile([mark(), receipt(), receipt()]);
  const path = file('');
  const starts = [0, whole.indexOf('\n') + 1, whole.indexOf('\n', whole.indexOf('\n') + 1) + 1, whole.length];
  fc.assert(
    fc.property(fc.integer({ min: starts[1]!, max: whole.length }), (length) => {
      writeFileSync(path, whole.slice(0, length));
      const { lines, unreadable, torn } = read(path);
      // A line that lacks its line feed alone is whole.
      const isWhole = starts.includes(length) || starts.includes(length + 1);
      expect(lines).toBe(starts.filter((start) => start > 0 && (start <= length || start === length + 1)).length);
      expect({ unreadable, torn }).toEqual({ unreadable: 0, torn: isWhole ? 0 : 1 });
    }),
  );
});

test('a line that is none is named by its place, and costs no other', () => {
  const path = file(`${receiptsFile([mark()])}{"v":1,"type":"rec\n\n${receiptsFile([receipt()], 1)}`);
  expect(read(path)).toMatchObject({ lines: 2, unreadable: 1, faults: [expect.stringContaining(`${path}:2: `)] });
});

test('a line that never ends is not kept whole', () => {
  const path = file(`${receiptsFile([mark()])}${'x'.repeat(20 * MAX_RECEIPT_LENGTH)}\n${receiptsFile([receipt()], 1)}`);
  expect(read(path)).toMatchObject({ lines: 2, unreadable: 1 });
});

test.each<[string, string, string]>([
  ['holds no receipts at all', 'hello\nworld\n', 'log_invalid'],
  ['was written by a later release', formatReceiptLine(mark()).replace('"v":1', '"v":2'), 'state_newer'],
])('a file that %s is refused', (_, content, code) => {
  const path = file(content);
  expect(() => read(path)).toThrow(expect.toSatisfy((error) => TallystickError.is(error) && error.code === code));
});

test('a file that is not there is refused, and an empty one says nothing', () => {
  expect(() => read('/nowhere/receipts.jsonl')).toThrow('ENOENT');
  expect(read(file(''))).toMatchObject({ lines: 0, unreadable: 0, torn: 0 });
});
