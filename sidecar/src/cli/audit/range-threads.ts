import { inWorkers, type WorkerRanges } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { unreadable } from './read-named.ts';

/** A smaller log is verified in less time than it takes to start threads that then share its records. */
const LARGE_LOG_RECORDS = 65_536;
const THREADS = 2;

/** In a bundle the threads' program lies beside it. */
const PROGRAM = import.meta.url.endsWith('.ts') ? {} : { program: new URL('./range-worker.cjs', import.meta.url) };

/** Returns threads that hash the records of a large log; undefined for one that this thread is done with sooner. */
export function rangeThreads(folder: string, size: number): WorkerRanges | undefined {
  if (size < LARGE_LOG_RECORDS) return undefined;
  const threads = inWorkers({ folder, threads: THREADS, ...PROGRAM });
  return {
    parallel: threads.parallel,
    derive: (range) =>
      threads.derive(range).catch((error: unknown) => {
        throw isOfFiles(error) ? unreadable(folder, error) : error;
      }),
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  };
}

/** True for what was said of a file, by us or by the system; anything else is a defect of the thread. */
function isOfFiles(error: unknown): boolean {
  return TallystickError.is(error) || /^E[A-Z0-9]+$/.test(String((error as NodeJS.ErrnoException).code));
}
