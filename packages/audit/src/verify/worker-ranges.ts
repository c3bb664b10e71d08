import { Worker } from 'node:worker_threads';
import type { BundleRange, DerivedRange } from './derive-range.ts';
import type { RangeDeriver } from './derive-ranges.ts';
import { rangeErrorOf, type RangeAnswer, type RangeQuestion } from './range-messages.ts';

/** Threads that derive ranges of one log's folder. */
export interface WorkerRanges extends RangeDeriver, AsyncDisposable {}

export interface WorkerRangesOptions {
  /** The log's folder on this machine. */
  readonly folder: string;
  readonly threads: number;
  /** The module `range-worker`, where a bundler has moved it. */
  readonly program?: URL;
}

const FROM_SOURCE = import.meta.url.endsWith('.ts');
const PROGRAM = FROM_SOURCE
  ? new URL('./range-worker.ts', import.meta.url)
  : new URL('./range-worker.js', import.meta.url);
// None of this process's own: some, as --input-type, forbid a thread's program. From source, its imports are source too.
const EXEC_ARGV = FROM_SOURCE ? ['--conditions=@tallystick/source'] : [];

/**
 * Returns threads that derive ranges, each with files of its own to read. They end when they are disposed of; a thread
 * that fails rejects what was asked of it, and all that is asked of it after.
 */
export function inWorkers({ folder, threads, program = PROGRAM }: WorkerRangesOptions): WorkerRanges {
  const options = { workerData: { folder }, name: 'tallystick-verify', execArgv: EXEC_ARGV };
  const workers = Array.from({ length: threads }, () => new RangeThread(new Worker(program, options)));
  let next = 0;
  return {
    parallel: threads,
    derive(range) {
      next += 1;
      return workers[next % threads]!.ask(range);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.end()));
    },
  };
}

/** One thread, and the questions that it has not answered yet. */
class RangeThread {
  readonly #worker: Worker;
  readonly #open = new Map<number, { resolve(derived: DerivedRange): void; reject(error: unknown): void }>();
  #asked = 0;
  #failure: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: RangeAnswer) => {
      const question = this.#open.get(answer.id);
      this.#open.delete(answer.id);
      if ('derived' in answer) question?.resolve(answer.derived);
      else question?.reject(rangeErrorOf(answer.failure));
    });
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(new Error('a thread of the verifier has ended')));
  }

  ask(range: BundleRange): Promise<DerivedRange> {
    if (this.#failure) return Promise.reject(this.#failure);
    const question: RangeQuestion = { id: (this.#asked += 1), range };
    return new Promise((resolve, reject) => {
      this.#open.set(question.id, { resolve, reject });
      this.#worker.postMessage(question);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: unknown): void {
    this.#failure ??=
      error instanceof Error ? error : new Error('a thread of the verifier has failed', { cause: error });
    for (const { reject } of this.#open.values()) reject(this.#failure);
    this.#open.clear();
  }
}
