// A thread of `inWorkers`: derives the ranges that it is asked for, one after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { deriveRange } from './derive-range.ts';
import { logFolder } from './log-folder.ts';
import { rangeFailureOf, type RangeAnswer, type RangeQuestion } from './range-messages.ts';

const readFile = logFolder((workerData as { readonly folder: string }).folder);

parentPort!.on('message', ({ id, range }: RangeQuestion) => {
  deriveRange(readFile, range).then(
    (derived) => {
      const answer: RangeAnswer = { id, derived };
      const bundles = derived.bundles.flatMap((bundle) => (bundle ? [bundle.buffer as ArrayBuffer] : []));
      parentPort!.postMessage(answer, bundles);
    },
    (error: unknown) => parentPort!.postMessage({ id, failure: rangeFailureOf(error) } satisfies RangeAnswer),
  );
});
