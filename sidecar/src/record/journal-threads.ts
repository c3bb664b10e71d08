import { spawnJournalThread, type OpenJournal } from '@tallystick/audit';

/** In a bundle the thread's program lies beside it. */
const PROGRAM = import.meta.url.endsWith('.ts') ? {} : { program: new URL('./journal-worker.cjs', import.meta.url) };

/** Returns what opens journals in threads of their own. The first one's starts now: by the time it is needed it is there. */
export function journalThreads(): OpenJournal {
  let ready = [spawnJournalThread(PROGRAM)];
  return (folder, onBatch) => {
    const [recover = spawnJournalThread(PROGRAM)] = ready;
    ready = [];
    return recover({ folder, onBatch });
  };
}
