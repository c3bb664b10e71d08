// Runs a witness on a folder and tells its port: `<folder> <signer key of the witness> <vkey of the log>`.
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, systemTimers } from '@tallystick/core';
import { openWitnessFolder } from '../../src/anchor/witness-folder.ts';
import { witnessHandler } from '../../src/anchor/witness-handler.ts';
import { createWitness } from '../../src/anchor/witness.ts';
import { logVerifier, parseSignerKey, parseVkey } from '../../src/index.ts';
import { createNodeLogFiles } from '../../src/log/node-log-files.ts';

const [folder = '', signerKey = '', vkey = ''] = process.argv.slice(2);
const log = logVerifier(parseVkey(vkey));
const store = await openWitnessFolder({
  folder,
  openFiles: createNodeLogFiles,
  lock: async () => ({ release: async () => {} }),
});
const witness = createWitness({
  store,
  key: parseSignerKey(signerKey),
  logs: (origin) => (origin === log.name ? [log] : []),
  clock: systemClock,
});
const server = createServer(witnessHandler({ witness, timers: systemTimers })).listen(0, '127.0.0.1');
await once(server, 'listening');
writeSync(1, `${(server.address() as AddressInfo).port}\n`);
