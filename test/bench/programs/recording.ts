// A server on a Unix socket that answers a byte by itself: 1 once a record of it is durable, encoded, hashed, signed and
// synced as in a sidecar; any other at once.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { encodeRecord } from '@tallystick/audit';
import { systemClock, systemRandom, ulid } from '@tallystick/core';
import { openBenchLog } from '../log/bench-log.ts';
import { sampleRecord } from '../log/sample-records.ts';

const { folder } = JSON.parse(process.argv[2]!) as { folder: string };
const log = await openBenchLog({ folder, privateKey: generateKeyPairSync('ed25519').privateKey });

async function record(): Promise<void> {
  const [id, lease] = [ulid(systemClock, systemRandom), ulid(systemClock, systemRandom)];
  const time = new Date().toISOString();
  await log.append((seq) => encodeRecord(sampleRecord(log.origin, { id, lease, seq, time })));
}

const socket = join(folder, 'api.sock');
createServer((connection) => {
  connection.on('data', (asked) => {
    const answer = (): void => void connection.write(asked);
    if (asked[0] === 1) void record().then(answer);
    else answer();
  });
}).listen(socket, () => process.send!({ answer: socket }));
process.on('disconnect', () => process.exit());
