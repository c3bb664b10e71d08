// Recovers the journal in a folder and appends to it for ever, telling of each record only when it is durable.
import { systemTimers } from '@tallystick/core';
import { createInlineCommitter } from '../../src/journal/committer.ts';
import { createGroupCommit } from '../../src/journal/group-commit.ts';
import { createNodeDisk } from '../../src/journal/node-disk.ts';
import { recoverJournal } from '../../src/journal/recovery.ts';
import { recordOf, WRITER_SIZES } from '../journal/written.ts';
import { tell } from './tell.ts';

const [folder = '', life = ''] = process.argv.slice(2);
tell('up');
const { journal, nextSeq } = recoverJournal({ disk: createNodeDisk(folder), sizes: WRITER_SIZES, onBatch: () => {} });
const group = createGroupCommit({
  committer: createInlineCommitter(journal),
  nextSeq,
  sign: ({ firstSeq, records }) => Buffer.from(`head of ${firstSeq + records.length} in life ${life}`),
  timers: systemTimers,
  onFailure: (error) => {
    throw error;
  },
});
const appendForEver = async (): Promise<never> => {
  for (;;) {
    const seq = await group.append(recordOf(group.nextSeq, life));
    tell(String(seq));
  }
};
await Promise.all(Array.from({ length: 8 }, appendForEver));
