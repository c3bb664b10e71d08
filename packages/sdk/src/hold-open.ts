import { clearInterval, setInterval } from 'node:timers';

// Captured at import, as all timers of the SDK are.
const startInterval = setInterval;
const stopInterval = clearInterval;

let waiting = 0;
let handle: ReturnType<typeof startInterval> | undefined;

/**
 * Keeps the process alive until `promise` settles, and returns it.
 *
 * Every socket and timer of the SDK is unreferenced, so that an idle one ends with its program. What somebody awaits
 * must hold the program nevertheless, or Node ends it in the middle of a top-level await.
 */
export async function holdOpen<T>(promise: Promise<T>): Promise<T> {
  if (waiting++ === 0) handle = startInterval(() => {}, 0x7fff_ffff);
  try {
    return await promise;
  } finally {
    if (--waiting === 0) stopInterval(handle);
  }
}
