import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import { TallystickError, type Timer, type Timers } from '@tallystick/core';

/** A certificate chain and its private key, PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads a certificate and its key, which must belong together.
 *
 * @throws {TallystickError} `listen_failed`
 */
export function readTlsPair(files: { certificate: string; key: string }): TlsPair {
  try {
    const pair = { cert: readFileSync(files.certificate, 'utf8'), key: readFileSync(files.key, 'utf8') };
    // Loaded here alone, as in createHttpServer.
    process.getBuiltinModule('node:tls').createSecureContext(pair);
    return pair;
  } catch (error) {
    // OpenSSL's messages name no content, and fs's no more than the path.
    throw new TallystickError('listen_failed', `the certificate cannot be used: ${(error as Error).message}`, {
      remedy: `correct "${files.certificate}" and "${files.key}": one PEM chain and its own key`,
      cause: error,
    });
  }
}

/** How long the folders must be quiet before the files are read: they are often replaced one after the other. */
const QUIET_MS = 250;

/**
 * Calls `changed` with each new pair that is found in the files, and `failed` with each that cannot be used; the one
 * before stays in use then. The folders are watched, not the files: a mounted volume swaps a link in it.
 *
 * @returns Ends it.
 */
export function watchTlsPair(
  files: { certificate: string; key: string },
  first: TlsPair,
  on: { changed(pair: TlsPair): void; failed(error: unknown): void },
  timers: Timers,
): () => void {
  let current = first;
  let timer: Timer | undefined;
  const reread = (): void => {
    try {
      const pair = readTlsPair(files);
      if (pair.cert === current.cert && pair.key === current.key) return;
      current = pair;
      on.changed(pair);
    } catch (error) {
      on.failed(error);
    }
  };
  const soon = (): void => {
    timer?.cancel();
    timer = timers.after(QUIET_MS, reread);
  };
  const watchers: FSWatcher[] = [...new Set([dirname(files.certificate), dirname(files.key)])].map((folder) =>
    watch(folder, { persistent: false }, soon).on('error', on.failed),
  );
  return () => {
    timer?.cancel();
    for (const watcher of watchers) watcher.close();
  };
}
