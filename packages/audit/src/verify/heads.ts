import { TlogError } from '../tlog/tlog-error.ts';

/**
 * Returns what is appended to `heads` for a signed checkpoint: its bytes and an empty line.
 *
 * @throws {TlogError} `checkpoint`: an empty line within the text, or none before the signatures.
 */
export function formatHead(checkpoint: Uint8Array): Buffer {
  const entry = Buffer.concat([checkpoint, Buffer.from('\n')]);
  parseHeads(entry);
  return entry;
}

/**
 * Returns the signed checkpoints of `heads`, in their order, as views of its bytes: each ends with an empty line, and
 * has one between its text and its signatures. Nothing is verified.
 *
 * @throws {TlogError} `checkpoint`: the file does not end with a whole head.
 */
export function parseHeads(bytes: Uint8Array): Uint8Array[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const heads: Uint8Array[] = [];
  for (let from = 0; from < buffer.length;) {
    const text = buffer.indexOf(EMPTY_LINE, from);
    const signatures = text < 0 ? -1 : buffer.indexOf(EMPTY_LINE, text + 2);
    if (signatures < 0) throw new TlogError('checkpoint', `head ${heads.length} is cut off`);
    heads.push(buffer.subarray(from, signatures + 1));
    from = signatures + 2;
  }
  return heads;
}

const EMPTY_LINE = '\n\n';
