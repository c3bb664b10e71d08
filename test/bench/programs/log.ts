// A log in a process of its own: appends to it as fast as it is asked to, and tells how fast that was.
import { generateKeyPairSync } from 'node:crypto';
import { encodeRecord, LogError } from '@tallystick/audit';
import { openBenchLog } from '../log/bench-log.ts';
import type { AppendCommand, Appended } from '../log/append-command.ts';
import { sampleRecord, sampleRecords } from '../log/sample-records.ts';

const { folder } = JSON.parse(process.argv[2]!) as { folder: string };
const log = await openBenchLog({ folder, privateKey: generateKeyPairSync('ed25519').privateKey });
const encoded = sampleRecords(log.origin, Date.now());
const encoding = (seq: number): Buffer => encodeRecord(sampleRecord(log.origin, { seq }));

async function append({ concurrency, forMs, encode }: AppendCommand): Promise<Appended> {
  const make = encode ? encoding : encoded;
  const startMs = performance.now();
  const endMs = startMs + forMs;
  let count = 0;
  const appendInTurn = async (): Promise<void> => {
    while (performance.now() < endMs) {
      if (await appended(make)) count += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, appendInTurn));
  return { perSecond: (count / (performance.now() - startMs)) * 1000 };
}

/** Returns false where the disk does not follow and the log takes no more for now: then it waits, as a client would. */
async function appended(make: (seq: number) => Buffer): Promise<boolean> {
  try {
    await log.append(make);
    return true;
  } catch (error) {
    if (!(error instanceof LogError) || error.fault !== 'backlog') throw error;
    await log.publish();
    return false;
  }
}

process.on('message', (command: AppendCommand) => {
  append(command).then(
    (answer) => process.send!({ answer }),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
process.send!({ answer: 'ready' });
