// The program of the journal's thread: recovers, then does what it is asked, with synchronous calls and no event loop.
import { isMainThread, parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { Batch } from './batch.ts';
import { ASK, failureFacts, WORD, type ThreadData, type ThreadReply } from './journal-messages.ts';
import { createNodeDisk } from './node-disk.ts';
import { recoverJournal, type Recovery } from './recovery.ts';

/** A message for each batch would take longer than to read it. */
const BATCHES_TOLD_TOGETHER = 256;

function serve(port: MessagePort, { sizes, desk }: ThreadData): void {
  const { words, body, upToSeq } = desk;
  Atomics.wait(words, WORD.asked, 0);
  const folder = Buffer.from(body.subarray(0, words[WORD.length])).toString();
  const say = (reply: ThreadReply): void => port.postMessage(reply);
  let found: Batch[] = [];
  const tell = (): void => say({ say: 'batches', batches: found });
  let recovery: Recovery;
  try {
    recovery = recoverJournal({
      disk: createNodeDisk(folder),
      sizes,
      onBatch(batch) {
        if (found.push(batch) < BATCHES_TOLD_TOGETHER) return;
        tell();
        found = [];
      },
    });
    tell();
  } catch (error) {
    say({ say: 'failed', failure: failureFacts(error) });
    return;
  }
  const { journal, firstSeq, nextSeq, epoch, torn } = recovery;
  say({ say: 'recovered', facts: { firstSeq, nextSeq, epoch, torn } });

  const answer = (ask: number): ThreadReply => {
    switch (ask) {
      case ASK.commit: {
        const bytes = body.subarray(0, words[WORD.length]);
        return { say: 'committed', position: journal.commit({ count: words[WORD.count]!, bytes }) };
      }
      case ASK.release:
        journal.release(upToSeq[0]!);
        return { say: 'done' };
      default:
        journal.close();
        return { say: 'done' };
    }
  };
  // Read once for each request: as soon as it is answered the next one may stand there.
  let ask: number = ASK.recover;
  for (let answered = 1; ask !== ASK.close; answered++) {
    Atomics.wait(words, WORD.asked, answered);
    ask = words[WORD.ask]!;
    try {
      say(answer(ask));
    } catch (error) {
      say({ say: 'failed', failure: failureFacts(error) });
    }
  }
}

if (!isMainThread && parentPort) serve(parentPort, workerData as ThreadData);
