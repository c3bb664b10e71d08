import { Worker } from 'node:worker_threads';
import type { Batch } from './batch.ts';
import type { Committer } from './committer.ts';
import { JournalError } from './journal-error.ts';
import type { RecoveryFacts } from './recovery.ts';
import { ASK, createDesk, failureOf, WORD, type ThreadData, type ThreadReply } from './journal-messages.ts';
import { SEGMENT_SIZES, type SegmentSizes } from './segment-file.ts';

/** The inputs of {@link spawnJournalThread}. */
export interface SpawnOptions {
  /** Replaces the sizes of segments, in tests. */
  readonly sizes?: SegmentSizes;
  /** The module `journal-worker`, where a bundler has moved it. */
  readonly program?: URL;
}

/** The inputs of {@link startJournalThread}. */
export interface JournalThreadOptions extends SpawnOptions {
  /** The journal's own folder, which must exist. Whoever calls holds the lock of the log. */
  readonly folder: string;
  /** Told every batch that the journal still holds, once and in order, before the start resolves. Void when it rejects. */
  readonly onBatch: (batch: Batch) => void;
}

/** A journal in a thread of its own. */
export interface JournalThread extends RecoveryFacts {
  readonly committer: Committer;
}

const FROM_SOURCE = import.meta.url.endsWith('.ts');
const PROGRAM = FROM_SOURCE
  ? new URL('./journal-worker.ts', import.meta.url)
  : new URL('./journal-worker.js', import.meta.url);
// None of this process's own: some, as --input-type, forbid a thread's program. From source, its imports are source too.
const EXEC_ARGV = FROM_SOURCE ? ['--conditions=@tallystick/source'] : [];

// What a batch leaves behind is garbage at once, most of it outside the heap: a small young generation frees it soon.
const LIMITS = { maxYoungGenerationSizeMb: 2 };

/** Recovers one journal in a thread that is there: {@link startJournalThread} does it in a new one. Called once. */
export type RecoverInThread = (options: Pick<JournalThreadOptions, 'folder' | 'onBatch'>) => Promise<JournalThread>;

/**
 * Recovers a journal in a thread of its own and returns a committer for it. The calls to the disk hold up neither the
 * event loop nor its pool of threads, and are held up by neither. The thread keeps the process alive while it is
 * asked something; one that hangs in a call cannot be ended, and holds up `process.exit` too: only a signal ends it.
 *
 * @throws {JournalError} as a rejection: as {@link recoverJournal}; and what `onBatch` throws
 */
export async function startJournalThread({ folder, onBatch, ...spawn }: JournalThreadOptions): Promise<JournalThread> {
  return spawnJournalThread(spawn)({ folder, onBatch });
}

/** Starts the thread of a journal before its folder is known: it takes a while, which the process may use otherwise. */
export function spawnJournalThread({ sizes = SEGMENT_SIZES, program = PROGRAM }: SpawnOptions = {}): RecoverInThread {
  const desk = createDesk();
  const data: ThreadData = { sizes, desk };
  const worker = new Worker(program, {
    workerData: data,
    name: 'tallystick-journal',
    execArgv: EXEC_ARGV,
    resourceLimits: LIMITS,
  });
  let waiter: PromiseWithResolvers<ThreadReply> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let ended: JournalError | undefined;
  let refusal: { readonly error: unknown } | undefined;
  let tell: (batch: Batch) => void = () => {};

  const waitForReply = (): Promise<ThreadReply> => {
    worker.ref();
    waiter = Promise.withResolvers<ThreadReply>();
    return waiter.promise;
  };
  const ask = (what: (typeof ASK)[keyof typeof ASK], put: () => void): Promise<ThreadReply> => {
    const turn = last.then(() => {
      if (ended) throw ended;
      put();
      desk.words[WORD.ask] = what;
      Atomics.add(desk.words, WORD.asked, 1);
      Atomics.notify(desk.words, WORD.asked);
      return waitForReply();
    });
    last = turn.catch(() => {});
    return turn;
  };
  const end = (cause?: unknown): void => {
    ended ??= new JournalError('closed', 'the thread of the journal has ended', { cause });
    waiter?.reject(ended);
  };
  worker.on('error', end);
  worker.on('exit', () => end());
  worker.on('message', (reply: ThreadReply) => {
    if (reply.say === 'batches') {
      try {
        for (const batch of reply.batches) tell(batch);
      } catch (error) {
        refusal ??= { error };
      }
      return;
    }
    worker.unref();
    if (reply.say === 'failed') waiter?.reject(failureOf(reply.failure));
    else waiter?.resolve(reply);
  });

  // After `on`, which makes it keep the process alive.
  worker.unref();

  const committer: Committer = {
    memory: Buffer.from(desk.body.buffer),
    async commit(body) {
      const reply = await ask(ASK.commit, () => {
        if (body.bytes.buffer !== desk.body.buffer) desk.body.set(body.bytes);
        desk.words[WORD.count] = body.count;
        desk.words[WORD.length] = body.bytes.length;
      });
      if (reply.say === 'committed') return reply.position;
      throw new JournalError('write_failed', 'the thread of the journal answered something else');
    },
    async release(upToSeq) {
      await ask(ASK.release, () => {
        desk.upToSeq[0] = upToSeq;
      });
    },
    async close() {
      await ask(ASK.close, () => {});
    },
  };
  return async ({ folder, onBatch }) => {
    tell = onBatch;
    const reply = await ask(ASK.recover, () => {
      desk.words[WORD.length] = Buffer.from(desk.body.buffer).write(folder);
    });
    if (reply.say !== 'recovered') throw new JournalError('closed', 'the thread of the journal did not begin');
    if (refusal) {
      await committer.close();
      throw refusal.error;
    }
    return { ...reply.facts, committer };
  };
}
