/** The end of the file `heads`, as far as it was read. */
export interface NewestHeads {
  /** The signed checkpoints that are whole, the oldest first. Nothing is verified. */
  readonly heads: readonly Uint8Array[];
  /** Bytes at the end that are the beginning of a head: its writer was stopped. 0 where the file ends with a whole one. */
  readonly tornBytes: number;
}

/**
 * Returns the heads at the end of the file `heads`, whose format is that of {@link parseHeads}: each a signed checkpoint
 * and an empty line.
 *
 * @param bytes The file, or its end. It may begin within a head, which is then left out.
 * @param whole True where it is the whole file.
 */
export function newestHeads(bytes: Buffer, whole: boolean): NewestHeads {
  const heads: Uint8Array[] = [];
  let from = whole ? 0 : startOfHead(bytes);
  while (from < bytes.length) {
    const text = bytes.indexOf(EMPTY_LINE, from);
    const end = text < 0 ? -1 : bytes.indexOf(EMPTY_LINE, text + EMPTY_LINE.length);
    if (end < 0) break;
    heads.push(bytes.subarray(from, end + 1));
    from = end + EMPTY_LINE.length;
  }
  return { heads, tornBytes: Math.max(0, bytes.length - from) };
}

const EMPTY_LINE = '\n\n';
/** How a signature line begins (signed-note, Format); no origin does, as it has no space. */
const SIGNATURE = Buffer.from('— ');

/** A head begins behind an empty line that no signature follows. */
function startOfHead(bytes: Buffer): number {
  for (let at = bytes.indexOf(EMPTY_LINE); at >= 0; at = bytes.indexOf(EMPTY_LINE, at + 1)) {
    const next = at + EMPTY_LINE.length;
    if (bytes.indexOf(SIGNATURE, next) !== next) return next;
  }
  return bytes.length;
}
