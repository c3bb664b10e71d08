// Opens the logs in a folder, appends to them for ever and cuts a shard every so many records, and tells of each record
// only when it is durable.
import { startJournalThread } from '../../src/journal/journal-thread.ts';
import { openLog } from '../../src/log/open-log.ts';
import { cutOptions } from '../log/cut-options.ts';
import { SIZES } from '../log/test-log.ts';
import { tell } from './tell.ts';

const [folder = '', life = ''] = process.argv.slice(2);
let log = await openLog(
  cutOptions(folder, {
    openJournal: (path, onBatch) => startJournalThread({ folder: path, onBatch, sizes: SIZES }),
  }),
);
for (let cuts = 0; ; cuts++) {
  for (let n = 0; n < 12; n++) {
    const appended = Array.from({ length: 3 }, () => log.append((seq) => Buffer.from(`${seq} by ${life}`)));
    for (const { seq } of await Promise.all(appended)) tell(`${log.place.shard} ${seq}`);
  }
  tell('cut');
  log = await log.nextShard(Buffer.from(`${life}-${cuts}`));
}
