import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { misconfigured, requireKnownOptions } from './misconfigured.ts';
import { requireReceiptFile } from './receipt-file.ts';

/** Where receipts are written, and how often. */
export interface ReceiptOptions {
  /**
   * Appended to, and made with mode 0640 where it is not there. It is opened for each batch: whoever rotates it renames
   * it, and tells nobody.
   */
  readonly file: string | URL;
  /** Milliseconds from one batch to the next, and so what a crash may lose. Default 10,000. */
  readonly intervalMs?: number;
}

/** The options with their defaults. */
export interface ReceiptSettings {
  readonly path: string;
  readonly intervalMs: number;
}

/**
 * Reads the options of receipts, and tries the file.
 *
 * @throws {TallystickError} `verifier_misconfigured`
 */
export function parseReceipts(options: string | URL | ReceiptOptions): ReceiptSettings {
  const given: ReceiptOptions = typeof options === 'string' || options instanceof URL ? { file: options } : options;
  requireKnownOptions(given, { file: true, intervalMs: true }, 'receipts');
  const { file, intervalMs = 10_000 } = given;
  if (!(intervalMs >= 100 && intervalMs <= 600_000)) {
    throw misconfigured('"receipts.intervalMs" must be milliseconds from 100 to 600,000');
  }
  const path = pathOf(file);
  try {
    requireReceiptFile(path);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw misconfigured(`"receipts" names "${path}", which cannot be written: ${code}`);
  }
  return { path, intervalMs };
}

function pathOf(file: unknown): string {
  if (file instanceof URL && file.protocol === 'file:') return fileURLToPath(file);
  if (typeof file === 'string' && file !== '' && !file.includes('\0')) return resolve(file);
  throw misconfigured('"receipts" must be the path of a file, or { file, intervalMs }');
}
