import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TallystickError, type Timers } from '@tallystick/core';
import { afterEach, describe, expect, test } from 'vitest';
import { MAX_ADD_CHECKPOINT_BYTES, witnessHandler } from '../../src/anchor/witness-handler.ts';
import type { Witness, WitnessAnswer } from '../../src/anchor/witness.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

/** Timers that fire when they are told. */
class HeldTimers implements Timers {
  readonly callbacks = new Set<() => void>();
  after(_delayMs: number, callback: () => void) {
    this.callbacks.add(callback);
    return { cancel: () => void this.callbacks.delete(callback) };
  }
}

async function serve(addCheckpoint: Witness['addCheckpoint'], onError?: (error: TallystickError) => void) {
  const timers = new HeldTimers();
  const server = createServer(witnessHandler({ witness: { addCheckpoint }, timers, ...(onError && { onError }) }));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/add-checkpoint`, timers, server };
}

const answering = (answer: WitnessAnswer) => async () => answer;
const post = (url: string, body: string | Uint8Array<ArrayBuffer> = 'x') => fetch(url, { method: 'POST', body });

describe('the HTTP interface of a witness (tlog-witness, HTTP Interface)', () => {
  test('answers a cosignature with 200 and the signature line', async () => {
    const { url } = await serve(answering({ status: 200, body: '— w abc=\n' }));
    const answer = await post(url);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('— w abc=\n');
  });

  test('answers another size with 409, text/x.tlog.size, and the size in decimal with a newline', async () => {
    const { url } = await serve(answering({ status: 409, size: 20_852_014 }));
    const answer = await post(url);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([409, 'text/x.tlog.size']);
    expect(await answer.text()).toBe('20852014\n');
  });

  test.each([400, 403, 404, 422] as const)('answers a refusal with %i', async (status) => {
    const { url } = await serve(answering({ status, reason: 'no' }));
    expect((await post(url)).status).toBe(status);
  });

  test('hands over the body byte for byte', async () => {
    const bodies: Uint8Array[] = [];
    const { url } = await serve(async (body) => {
      bodies.push(body);
      return { status: 200, body: '' };
    });
    const body = new Uint8Array(MAX_ADD_CHECKPOINT_BYTES).map((_, i) => i % 251);
    expect((await post(url, body)).status).toBe(200);
    expect(Buffer.concat(bodies)).toEqual(Buffer.from(body));
  });

  test('refuses another path and another method, unread', async () => {
    const { url } = await serve(() => Promise.reject(new Error('must not be asked')));
    expect((await post(`${url}/`)).status).toBe(404);
    expect((await post(`${url}?x=1`)).status).toBe(404);
    const get = await fetch(url);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('refuses a body of one byte too many', async () => {
    const { url } = await serve(() => Promise.reject(new Error('must not be asked')));
    expect((await post(url, new Uint8Array(MAX_ADD_CHECKPOINT_BYTES + 1))).status).toBe(413);
  });

  test('refuses a body that takes too long, and ends the connection', async () => {
    const { url, timers, server } = await serve(() => Promise.reject(new Error('must not be asked')));
    const slow = httpRequest(url, { method: 'POST', headers: { 'content-length': 10 } });
    const received = once(server, 'request');
    slow.write('old');
    await received;
    for (const callback of timers.callbacks) callback();
    const [answer] = (await once(slow, 'response')) as [{ statusCode: number; headers: Record<string, string> }];
    expect([answer.statusCode, answer.headers.connection]).toEqual([408, 'close']);
    expect(timers.callbacks.size).toBe(0);
    slow.destroy();
  });

  test('asks the witness nothing when the connection breaks within the body', async () => {
    let asked = 0;
    const errors: TallystickError[] = [];
    const { url, timers, server } = await serve(
      async () => {
        asked += 1;
        return { status: 404, reason: '' };
      },
      (error) => errors.push(error),
    );
    const broken = httpRequest(url, { method: 'POST', headers: { 'content-length': 10 } });
    broken.on('error', () => {});
    const received = once(server, 'request') as Promise<[{ once: typeof once }]>;
    broken.write('old');
    const [incoming] = await received;
    const closed = once(incoming as never, 'close').catch(() => {});
    broken.destroy();
    await closed;
    // Another request goes through, after all that the broken one could have started.
    expect((await post(url)).status).toBe(404);
    expect([asked, errors.length, timers.callbacks.size]).toEqual([1, 0, 0]);
  });

  test('answers its own failure with 500 without a word about it, and tells its owner', async () => {
    const errors: TallystickError[] = [];
    const failure = new TallystickError('state_unusable', 'the disk of "/secret/place" is gone');
    const { url } = await serve(
      () => Promise.reject(failure),
      (error) => errors.push(error),
    );
    const answer = await post(url);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
    expect(errors).toEqual([failure]);
  });
});
