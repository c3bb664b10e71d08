// The program of the journal's thread: recovers, then does what it is asked, with synchronous calls and no event loop.
import { isMainThread, parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { failureFacts, type ThreadData, type ThreadReply, type ThreadRequest } from './journal-messages.ts';
import { createNodeDisk } from './node-disk.ts';
import { recoverJournal, type Recovery } from './recovery.ts';

function serve(port: MessagePort, { folder, sizes, asked }: ThreadData): void {
  const say = (reply: ThreadReply): void => port.postMessage(reply);
  let recovery: Recovery;
  try {
    recovery = recoverJournal({
      disk: createNodeDisk(folder),
      sizes,
      onBatch: (batch) => say({ say: 'batch', batch }),
    });
  } catch (error) {
    say({ say: 'failed', failure: failureFacts(error) });
    return;
  }
  const { journal, firstSeq, nextSeq, epoch, torn } = recovery;
  say({ say: 'recovered', facts: { firstSeq, nextSeq, epoch, torn } });

  const answer = (request: ThreadRequest): ThreadReply => {
    try {
      switch (request.ask) {
        case 'commit':
          return { say: 'committed', position: journal.commit(request.body) };
        case 'release':
          journal.release(request.upToSeq);
          return { say: 'done' };
        case 'close':
          journal.close();
          return { say: 'done' };
      }
    } catch (error) {
      return { say: 'failed', failure: failureFacts(error) };
    }
  };
  for (let answered = 0; ; answered++) {
    Atomics.wait(asked, 0, answered);
    const { message: request } = receiveMessageOnPort(port) as { message: ThreadRequest };
    say(answer(request));
    if (request.ask === 'close') return;
  }
}

if (!isMainThread && parentPort) serve(parentPort, workerData as ThreadData);
