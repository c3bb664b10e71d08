import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import {
  createNodeLogFiles,
  createWitness,
  formatVkey,
  KEY_TYPE,
  openWitnessFolder,
  policyOfVkeys,
  publicNoteKey,
  witnessHandler,
  type PolicyLog,
} from '@tallystick/audit';
import { systemTimers, TallystickError } from '@tallystick/core';
import { tryLock } from '../../listen/lock.ts';
import { vkeysOf } from '../audit/log-options.ts';
import { defineCommand, EXIT, UsageError } from '../command.ts';
import { witnessKey } from './witness-key.ts';

/** One log asks once a second at most; what holds a connection open longer is none. */
const LIMITS = { headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 65_000 };
const MAX_CONNECTIONS = 256;

/** `tallystick witness`: cosigns heads of logs as long as they only grow, until stopped. For another team than the log's. */
export const witness = defineCommand({
  name: 'witness',
  summary: 'cosign the heads of logs, each as long as it only grows, until stopped',
  operands: '[VKEY...]',
  options: {
    listen: { type: 'string', value: 'URL', doc: 'where to serve, as http://127.0.0.1:8482' },
    state: { type: 'string', value: 'FOLDER', doc: 'what was cosigned last; restore it never from a copy' },
    key: { type: 'string', value: 'FILE', doc: 'the private key of this witness alone' },
    name: { type: 'string', value: 'NAME', doc: 'makes the key where it is missing, under this name' },
    log: { type: 'string', value: 'FILE|VKEY', doc: 'public keys of the logs that are watched; more may follow' },
  },
  async run({ options, positionals, stdout, stderr, clock }) {
    const { listen, state, key: keyFile, log } = options;
    if (listen === undefined || state === undefined || keyFile === undefined || log === undefined) {
      throw new UsageError('a witness needs --listen, --state, --key and --log');
    }
    const { host, port } = addressOf(listen);
    const logs = policyOfVkeys([log, ...positionals].flatMap(vkeysOf)).logs;
    const key = witnessKey(resolve(keyFile), options.name);
    const folder = resolve(state);
    await using store = await openStore(folder);
    const made = createWitness({ store, key, clock, logs: (origin) => verifiersOf(logs, origin) });
    const onError = (error: TallystickError): void =>
      void stderr.write(`tallystick: ${error.description}\n  ${error.remedy}\n`);
    // Before it says that it serves: whoever waits for that may stop it at once.
    const stopped = Promise.race((['SIGINT', 'SIGTERM'] as const).map((signal) => once(process, signal)));
    const server = createServer(LIMITS, witnessHandler({ witness: made, timers: systemTimers, onError }));
    server.maxConnections = MAX_CONNECTIONS;
    try {
      server.listen(port, host);
      await once(server, 'listening');
    } catch (cause) {
      throw new TallystickError('listen_failed', `"${listen}" cannot be listened on`, { cause });
    }
    const vkey = formatVkey(publicNoteKey(key, KEY_TYPE.cosignature));
    const address = server.address() as { address: string; port: number };
    stdout.write(`${JSON.stringify({ witness: key.name, vkey, port: address.port, logs: logs.length })}\n`);
    await stopped;
    server.close();
    server.closeIdleConnections();
    await once(server, 'close');
    return EXIT.ok;
  },
});

function verifiersOf(logs: readonly PolicyLog[], origin: string): PolicyLog['verifier'][] {
  return logs.filter(({ verifier }) => verifier.name === origin).map(({ verifier }) => verifier);
}

/** Opens the state of the witness, which nobody else has open. */
async function openStore(folder: string) {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new TallystickError('state_unusable', `"${folder}" cannot be made`, { cause });
  }
  const store = await openWitnessFolder({
    folder,
    openFiles: createNodeLogFiles,
    lock: (path) => {
      const held = tryLock(path);
      return Promise.resolve(held && { release: () => Promise.resolve(held.release()) });
    },
  });
  return { update: store.update.bind(store), [Symbol.asyncDispose]: () => store.close() };
}

function addressOf(listen: string): { host: string; port: number } {
  const url = URL.canParse(listen) ? new URL(listen) : undefined;
  const whole = url?.protocol === 'http:' && url.pathname === '/' && url.search === '' && url.username === '';
  if (!url || !whole || url.port === '') {
    throw new UsageError('--listen is a URL as http://127.0.0.1:8482; put what speaks https before it');
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
}
