import { MAX_RECEIPT_LENGTH, parseReceiptLine, TallystickError, type ReceiptLine } from '@tallystick/core';
import { piecesOf } from '../read-named.ts';

/** What of the files could be read. */
export interface ReadReceipts {
  readonly lines: number;
  /** Lines that are none. */
  readonly unreadable: number;
  /** The first of them, for a person. */
  readonly faults: readonly string[];
  /** Files that end in the middle of a line: whoever wrote it was ended, or is writing it. */
  readonly torn: number;
}

const FAULTS_SHOWN = 20;

/**
 * Reads files of receipts, piece by piece.
 *
 * @throws {TallystickError} `state_unusable`: one cannot be read. `log_invalid`: one holds no receipts at all.
 * `state_newer`: a later release wrote one.
 */
export function readReceipts(files: readonly string[], onLine: (line: ReceiptLine) => void): ReadReceipts {
  const read = { lines: 0, unreadable: 0, faults: [] as string[], torn: 0 };
  for (const file of files) {
    const before = read.lines;
    let number = 0;
    let faults = 0;
    for (const { text, whole } of linesOf(file)) {
      number += 1;
      if (text === '') continue;
      try {
        onLine(parseReceiptLine(text));
        read.lines += 1;
      } catch (error) {
        if (!TallystickError.is(error) || error.code !== 'log_invalid') throw error;
        faults += 1;
        if (!whole) read.torn += 1;
        else {
          read.unreadable += 1;
          if (read.faults.length < FAULTS_SHOWN) read.faults.push(`${file}:${number}: ${error.description}`);
        }
      }
    }
    if (read.lines === before && faults > 0) {
      throw new TallystickError('log_invalid', `"${file}" holds no receipts`, {
        remedy: 'name files that an API has written by the option "receipts" of its verifier',
      });
    }
  }
  return read;
}

interface Line {
  /** Of a line that is longer than any receipt, as much as shows that it is none. */
  readonly text: string;
  /** False for the last one, where it has no line feed. */
  readonly whole: boolean;
}

function* linesOf(path: string): Generator<Line> {
  let rest: Buffer = Buffer.alloc(0);
  for (const piece of piecesOf(path)) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, piece]) : piece;
    let at = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
      yield { text: bytes.toString('utf8', at, end), whole: true };
      at = end + 1;
    }
    rest = bytes.subarray(at);
    // No receipt: enough of it is kept for that to show.
    if (rest.length > 4 * MAX_RECEIPT_LENGTH) rest = rest.subarray(0, 4 * MAX_RECEIPT_LENGTH);
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), whole: false };
}
