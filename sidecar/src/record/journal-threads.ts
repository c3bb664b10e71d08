import { spawnJournalThread, type OpenJournal, type RecoverInThread } from '@tallystick/audit';

/** In a bundle the thread's program lies beside it. */
const PROGRAM = import.meta.url.endsWith('.ts') ? {} : { program: new URL('./journal-worker.cjs', import.meta.url) };

/** Opens journals, each in a thread of its own. */
export interface JournalThreads {
  readonly open: OpenJournal;
  /**
   * Starts the thread of the journal that is opened next, unless it is there: that takes a tenth of a second, which
   * nobody then waits for. Until it is used it takes some 10 MB.
   */
  prepare(): void;
}

/** Returns what opens journals in threads. The first one's starts now: by the time it is needed it is there. */
export function journalThreads(): JournalThreads {
  let ready: RecoverInThread | undefined = spawnJournalThread(PROGRAM);
  return {
    open(folder, onBatch) {
      const recover = ready ?? spawnJournalThread(PROGRAM);
      ready = undefined;
      return recover({ folder, onBatch });
    },
    prepare() {
      ready ??= spawnJournalThread(PROGRAM);
    },
  };
}
