import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { systemTimers, type Timers } from '@tallystick/core';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import {
  cosignatureVerifier,
  cosigner,
  formatSignatureLine,
  KEY_TYPE,
  logSigner,
  parseNote,
  publicNoteKey,
  signatureOf,
} from '../../src/index.ts';
import { AnchorError } from '../../src/anchor/anchor-error.ts';
import { submitCheckpoint, type SubmitCheckpointOptions } from '../../src/anchor/submit-checkpoint.ts';
import { witnessHandler } from '../../src/anchor/witness-handler.ts';
import { openWitnessFolder } from '../../src/anchor/witness-folder.ts';
import { createWitness } from '../../src/anchor/witness.ts';
import { GrowingLog, newKey, ORIGIN } from './growing-log.ts';
import { ModelFiles } from './model-files.ts';

const NOW_MS = 1_795_000_000_000;
const clock = { nowMs: () => NOW_MS, monotonicMs: () => 0 };
const key = newKey('w1.example');
const verifier = cosignatureVerifier(publicNoteKey(key, KEY_TYPE.cosignature));
const log = new GrowingLog(newKey(ORIGIN));
const SECRET = 'upstream-secret-body';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

async function serve(handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A witness of ours on a server, and the old sizes that it is asked with. */
async function serveWitness(logs = [log]): Promise<{ url: string; asked: number[] }> {
  const lock = async () => ({ release: async () => {} });
  const files = new ModelFiles();
  const store = await openWitnessFolder({ folder: '/state', openFiles: () => files, lock });
  const keysOf = (origin: string) => logs.filter((each) => each.key.name === origin).map((each) => each.verifier);
  const witness = createWitness({ store, key, logs: keysOf, clock });
  const asked: number[] = [];
  const addCheckpoint = (body: Uint8Array) => {
    asked.push(Number(/^old ([0-9]+)\n/.exec(Buffer.from(body).toString('latin1'))?.[1]));
    return witness.addCheckpoint(body);
  };
  return { url: await serve(witnessHandler({ witness: { addCheckpoint }, timers: systemTimers })), asked };
}

function submit(url: string, size: number, oldSize: number, options: Partial<SubmitCheckpointOptions> = {}) {
  const witness = { name: 'w1', url, verifier };
  const calls = { fetch: globalThis.fetch, clock, timers: systemTimers, timeoutMs: 10_000 };
  return submitCheckpoint({
    ...calls,
    witness,
    checkpoint: log.signed(size),
    readHashes: log.readHashes,
    oldSize,
    ...options,
  });
}

async function faultOf(submitted: Promise<unknown>): Promise<string> {
  const error: unknown = await submitted.then(
    () => 'none',
    (each: unknown) => each,
  );
  if (!(error instanceof AnchorError)) throw new Error('not refused as an anchor', { cause: error });
  // Neither the message nor the remedy nor a cause has a byte of what the other side said.
  expect(inspect(error, { depth: Infinity, showHidden: true, getters: true })).not.toContain(SECRET);
  return error.fault;
}

const lineAt = (seconds: number, size = 9, by = key) => {
  const signer = cosigner(by, () => seconds);
  return formatSignatureLine(signatureOf(signer, parseNote(log.signed(size)).text));
};

describe('a checkpoint is submitted to a witness (tlog-witness, add-checkpoint)', () => {
  test('with the size that is remembered, in one round', async () => {
    const { url, asked } = await serveWitness();
    await submit(url, 7, 0);
    const { signature, time } = await submit(url, 9, 7);
    expect(asked).toEqual([0, 7]);
    expect(time).toBe(NOW_MS / 1000);
    expect(verifier.verify(parseNote(log.signed(9)).text, signature.bytes)).toBe(true);
  });

  test('below a prefix that ends with a slash or not', async () => {
    const { url } = await serveWitness();
    await submit(`${url}/`, 7, 0);
    await submit(url, 9, 7);
  });

  test('again from the size that the witness names, where nothing or something older is remembered', async () => {
    const { url, asked } = await serveWitness();
    await submit(url, 7, 0);
    await submit(url, 9, 0);
    await submit(url, 9, 3);
    expect(asked).toEqual([0, 0, 7, 3, 9]);
  });

  test('where the witness has lost its state, from the beginning', async () => {
    const { url, asked } = await serveWitness();
    await submit(url, 9, 7);
    expect(asked).toEqual([7, 0]);
  });

  test('and the log is told when the witness has seen more than there is', async () => {
    const { url } = await serveWitness();
    await submit(url, 9, 0);
    expect(await faultOf(submit(url, 7, 0))).toBe('witness_ahead');
    expect(await faultOf(submit(url, 7, 9))).toBe('witness_ahead');
  });

  test('and the log is told when the witness has seen other records', async () => {
    const { url } = await serveWitness();
    const fork = log.forkedAt(3);
    await submit(url, 7, 0, { checkpoint: fork.signed(7), readHashes: fork.readHashes });
    expect(await faultOf(submit(url, 9, 7))).toBe('witness_disagrees');
    expect(await faultOf(submit(url, 7, 7))).toBe('witness_disagrees');
    expect(await faultOf(submit(url, 7, 0))).toBe('witness_disagrees');
  });

  test('and the operator is told when the witness does not know the log, or not its key', async () => {
    const unknown = await serveWitness([new GrowingLog(newKey('acme.example/sidecar-2/1/1'))]);
    expect(await faultOf(submit(unknown.url, 7, 0))).toBe('witness_unconfigured');
    const otherKey = await serveWitness([new GrowingLog(newKey(ORIGIN))]);
    expect(await faultOf(submit(otherKey.url, 7, 0))).toBe('witness_unconfigured');
  });
});

describe('a witness that is hostile harms nothing:', () => {
  const answering = (status: number, body: string, type = 'text/plain') =>
    serve((_request, response) => void response.writeHead(status, { 'content-type': type }).end(body));

  test.each([
    ['an empty body', ''],
    ['no signature line', `${SECRET}\n`],
    ['a line without its newline', lineAt(1000).slice(0, -1)],
    ['a cosignature of another head', lineAt(1000, 8)],
    ['a cosignature of another key of that name', lineAt(1000, 9, newKey('w1.example'))],
    ['the cosignature of another witness', lineAt(1000, 9, newKey('w2.example'))],
    [
      'a signature of its key that is no cosignature',
      formatSignatureLine(signatureOf(logSigner(key), parseNote(log.signed(9)).text)),
    ],
    ['a good line and one that is none', `${lineAt(1000)}${SECRET}\n`],
    ['a good line and the beginning of another', `${lineAt(1000)}${SECRET}`],
    ['a good cosignature under another name', lineAt(1000).replace('w1.example', 'w3.example')],
    ['a cosignature from the future', lineAt(NOW_MS / 1000 + 301)],
  ])('%s in a 200 is no cosignature', async (_what, body) => {
    expect(await faultOf(submit(await answering(200, body), 9, 0))).toBe('witness_answer');
  });

  test('lines of keys that are not known are ignored beside the good one', async () => {
    const url = await answering(200, `${lineAt(1, 8, newKey('w1.example'))}${lineAt(1000)}`);
    expect((await submit(url, 9, 0)).time).toBe(1000);
  });

  test.each([
    ['without its type', 'text/plain', '5\n'],
    ['with another type', 'text/x.tlog.size; charset=utf-8', '5\n'],
    ['without a newline', 'text/x.tlog.size', '5'],
    ['with a leading zero', 'text/x.tlog.size', '05\n'],
    ['beyond 2^53', 'text/x.tlog.size', '9007199254740993\n'],
    ['in words', 'text/x.tlog.size', `${SECRET}\n`],
  ])('a size %s in a 409 is none', async (_what, type, body) => {
    expect(await faultOf(submit(await answering(409, body, type), 9, 1))).toBe('witness_answer');
  });

  test('one that names another size for ever is left after three rounds', async () => {
    let rounds = 0;
    const url = await serve((_request, response) => {
      response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${++rounds}\n`);
    });
    expect(await faultOf(submit(url, 9, 0))).toBe('witness_answer');
    expect(rounds).toBe(3);
  });

  test.each([
    [400, 'witness_answer'],
    [401, 'witness_answer'],
    [403, 'witness_unconfigured'],
    [404, 'witness_unconfigured'],
    [418, 'witness_answer'],
    [422, 'witness_disagrees'],
    [429, 'witness_busy'],
    [500, 'witness_busy'],
    [503, 'witness_busy'],
  ])('its %i is %s, and its words are not repeated', async (status, fault) => {
    expect(await faultOf(submit(await answering(status, SECRET), 9, 0))).toBe(fault);
  });

  test('a body without an end is read up to a bound, and the connection is ended', async () => {
    let closed: Promise<unknown> | undefined;
    const url = await serve((_request, response) => {
      closed = once(response, 'close');
      const more = (): void => void (response.write('x'.repeat(4096)) && setImmediate(more));
      response.on('drain', more);
      more();
    });
    expect(await faultOf(submit(url, 9, 0))).toBe('witness_answer');
    await closed;
  });

  test('a redirection is not followed', async () => {
    let followed = false;
    const elsewhere = await serve((_request, response) => {
      followed = true;
      response.end(lineAt(1000));
    });
    const url = await serve((_request, response) => void response.writeHead(307, { location: elsewhere }).end());
    expect(await faultOf(submit(url, 9, 0))).toBe('witness_unreachable');
    expect(followed).toBe(false);
  });

  test.each([
    ['does not answer', () => {}],
    ['does not finish its head', (response: ServerResponse) => response.socket?.write('HTTP/1.1 200 OK\r\nx: y')],
    ['does not finish its body', (response: ServerResponse) => response.writeHead(200).write('— w1')],
  ])('one that %s is left at the deadline', async (_what, stall) => {
    let fire: (() => void) | undefined;
    const timers: Timers = { after: (_ms, callback) => ((fire = callback), { cancel: () => {} }) };
    const received = Promise.withResolvers<void>();
    const url = await serve((request, response) => {
      request.resume().on('end', () => {
        stall(response);
        received.resolve();
      });
    });
    const asked = faultOf(submit(url, 9, 0, { timers }));
    await received.promise;
    fire?.();
    expect(await asked).toBe('witness_slow');
  });

  test('one that is not there, or speaks no HTTP, is unreachable', async () => {
    const tcp = createTcpServer(
      (socket) =>
        void socket
          .on('error', () => {})
          .resume()
          .end(`${SECRET}\r\n\r\n`),
    ).listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const url = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`;
    expect(await faultOf(submit(url, 9, 0))).toBe('witness_unreachable');
    tcp.close();
    await once(tcp, 'close');
    expect(await faultOf(submit(url, 9, 0))).toBe('witness_unreachable');
  });

  test('the caller can stop asking', async () => {
    const stop = new AbortController();
    const url = await serve(() => stop.abort(new Error('shutting down')));
    await expect(submit(url, 9, 0, { signal: stop.signal })).rejects.toThrow('shutting down');
  });

  test('any answer ends in a cosignature that verifies or in a fault of the table', async () => {
    const line = lineAt(1000);
    const answer = fc.record({
      status: fc.constantFrom(200, 200, 200, 409, 409, 403, 422, 500),
      type: fc.constantFrom('text/x.tlog.size', 'text/plain'),
      body: fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(20).map((size) => Buffer.from(`${size}\n`)),
        fc
          .tuple(fc.nat(line.length), fc.string())
          .map(([at, text]) => Buffer.from(line.slice(0, at) + text + line.slice(at))),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 3, maxLength: 3 }), async (answers) => {
        const replies = answers.values();
        const fetch = async () => {
          const { status, type, body } = replies.next().value!;
          return new Response(new Uint8Array(body), { status, headers: { 'content-type': type } });
        };
        const outcome = await submit('http://witness.invalid', 9, 0, { fetch }).catch((error: unknown) => error);
        if (outcome instanceof AnchorError) return;
        const { signature } = outcome as Awaited<ReturnType<typeof submit>>;
        expect(verifier.verify(parseNote(log.signed(9)).text, signature.bytes)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
