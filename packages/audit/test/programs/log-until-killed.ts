// Opens the log in a folder and appends to it for ever, publishing all the time, and tells of each record only when it
// is durable, and of each head only when it may be shown.
import { startJournalThread } from '../../src/journal/journal-thread.ts';
import { LogError } from '../../src/log/log-error.ts';
import { openLog, type Log } from '../../src/log/open-log.ts';
import { recordOf } from '../journal/written.ts';
import { optionsFor, SIZES } from '../log/test-log.ts';
import { tell } from './tell.ts';

const [folder = '', life = ''] = process.argv.slice(2);
tell('up');
const openJournal = (path: string, onBatch: Parameters<typeof startJournalThread>[0]['onBatch']) =>
  startJournalThread({ folder: path, onBatch, sizes: SIZES });
const opening = openLog(optionsFor(folder, { openJournal, opening: () => [() => recordOf(0, life)] }));
const log = await opening.catch((error: unknown) => {
  tell(error instanceof LogError ? `refused ${error.fault}` : String(error));
  throw error;
});
const sayHead = (head: ReturnType<Log['head']>): void => {
  if (head) tell(`head ${head.size} ${Buffer.from(head.root).toString('hex')}`);
};
const appendForEver = async (): Promise<never> => {
  for (;;) {
    const { seq } = await log.append((at) => recordOf(at, life));
    tell(String(seq));
    sayHead(log.head());
  }
};
const publishForEver = async (): Promise<never> => {
  for (;;) {
    await log.append((at) => recordOf(at, life));
    await log.publish();
    sayHead(log.published());
  }
};
await Promise.all([publishForEver(), ...Array.from({ length: 8 }, appendForEver)]);
