import { UsageError } from '../command.ts';

/** The longest secret that is looked for, in bytes. */
const MAX_BYTES = 1_048_576;

/**
 * Returns the ways to read what was piped in as a secret: without the one newline at its end that `echo` and editors
 * add, and as it came.
 *
 * @throws {UsageError} There is nothing, or too much. Nothing of it is in the message.
 */
export async function readSecret(stdin: AsyncIterable<Uint8Array>): Promise<readonly Buffer[]> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new UsageError('standard input has more than 1 MiB: that is no secret');
    chunks.push(chunk);
  }
  const whole = Buffer.concat(chunks);
  const end = whole.at(-1) === 0x0a ? (whole.at(-2) === 0x0d ? -2 : -1) : whole.length;
  const trimmed = whole.subarray(0, end);
  if (trimmed.length === 0) throw new UsageError('standard input is empty: pipe the secret in');
  return trimmed.length === whole.length ? [whole] : [trimmed, whole];
}
