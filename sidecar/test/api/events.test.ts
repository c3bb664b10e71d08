import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { createStreamReader, HEARTBEAT_MS, parseEvent, type SidecarEvent } from '@tallystick/protocol';
import { describe, expect, onTestFinished, test } from 'vitest';
import { configOf, identity } from '../acme.ts';
import { ask } from '../listen/unix-client.ts';
import { holder, type Holder } from './holder.ts';
import { serveSidecar, type ServedSidecar } from './served-sidecar.ts';

const BATCH = 'spiffe://acme.example/close-batch';

/** An open event stream. */
interface Stream {
  readonly response: IncomingMessage;
  readonly outgoing: ClientRequest;
  /** The next event. */
  next(): Promise<SidecarEvent>;
  /** What has come and was not taken, heartbeats included. */
  readonly text: string;
  readonly ended: Promise<void>;
}

async function open(socket: string, one: Holder, headers: Record<string, string> = {}): Promise<Stream> {
  const outgoing = request({
    socketPath: socket,
    path: '/v1/events',
    headers: { dpop: one.prove('GET', '/v1/events'), ...headers },
  });
  onTestFinished(() => void outgoing.destroy());
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const read = createStreamReader();
  const events: SidecarEvent[] = [];
  let text = '';
  let wake = (): void => {};
  response.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    for (const { type, data } of read(chunk.toString())) events.push(parseEvent(type, data));
    wake();
  });
  const ended = new Promise<void>((resolve) => response.once('close', () => resolve()));
  response.on('error', () => {});
  return {
    response,
    outgoing,
    ended,
    get text() {
      return text;
    },
    async next() {
      while (events.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return events.shift()!;
    },
  };
}

async function served(
  config = configOf([identity('close-batch')]),
): Promise<ServedSidecar & { socket: string; one: Holder }> {
  const own = await serveSidecar({ config });
  const socket = await own.workload();
  return { ...own, socket, one: await withNonce(socket) };
}
/** A holder that has a nonce already. */
async function withNonce(socket: string): Promise<Holder> {
  const one = await holder(socket);
  await one.send('GET', '/v1/identity');
  return one;
}

/** Waits until the sidecar counts so many streams. */
async function streams(own: ServedSidecar, count: number): Promise<void> {
  while (!own.metrics.render().includes(`tallystick_event_streams ${count}\n`))
    await new Promise((resolve) => setImmediate(resolve));
}

describe('GET /v1/events', () => {
  test('begins with a snapshot of the state and of the leases of this identity and key', async () => {
    const { socket, one } = await served();
    const { lease_id: mine } = (await one.token()).json;
    await (await withNonce(socket)).token();
    const stream = await open(socket, one);
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'dpop-nonce': expect.any(String) as string,
    });
    expect(await stream.next()).toEqual({
      type: 'snapshot',
      epoch: 'epoch-1',
      seq: 0,
      state: 'active',
      leases: [mine],
    });
  });

  test('needs a proof, as everything on /v1 does', async () => {
    const { socket } = await served();
    const answer = await ask(socket, { target: '/v1/events' });
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_dpop_proof']);
  });

  test('tells several holders each of its own, in order', async () => {
    const own = await served();
    const two = await withNonce(own.socket);
    const leases = [(await own.one.token()).json.lease_id, (await two.token()).json.lease_id] as string[];
    const [first, second] = [await open(own.socket, own.one), await open(own.socket, two)];
    for (const stream of [first, second]) expect((await stream.next()).type).toBe('snapshot');
    own.sidecar.withdrawal.rotate([own.sidecar.table.get(leases[1]!)!]);
    await own.one.send('DELETE', `/v1/leases/${leases[0]}`);
    const { durable } = own.sidecar.withdrawal.suspend(own.sidecar.registry().identities.get(BATCH)!, 'x');
    await durable;
    expect([await first.next(), await first.next()]).toEqual([
      { type: 'revoked', seq: 1, leases: [leases[0]] },
      { type: 'state', seq: 2, state: 'suspended' },
    ]);
    expect([await second.next(), await second.next()]).toEqual([
      { type: 'rotate', seq: 1, leases: [leases[1]] },
      { type: 'state', seq: 2, state: 'suspended' },
    ]);
  });

  test('tells one of two identities of a workload what is its own', async () => {
    const own = await served(configOf([identity('one'), identity('two')]));
    const named = (name: string) => ({ 'tallystick-identity': `spiffe://acme.example/${name}` });
    await own.one.send('GET', '/v1/identity', { headers: named('one') });
    const [first, second] = [
      await open(own.socket, own.one, named('one')),
      await open(own.socket, own.one, named('two')),
    ];
    await first.next();
    await second.next();
    await own.sidecar.withdrawal.suspend(own.sidecar.registry().identities.get('spiffe://acme.example/two')!, 'x')
      .durable;
    await own.sidecar.withdrawal.suspend(own.sidecar.registry().identities.get('spiffe://acme.example/one')!, 'x')
      .durable;
    expect([await first.next(), await second.next()]).toMatchObject([{ seq: 1 }, { seq: 1 }]);
    expect(first.text.match(/suspended/g)).toHaveLength(1);
  });

  test('is open to a suspended identity, so that it learns when it may go on', async () => {
    const own = await served();
    const batch = own.sidecar.registry().identities.get(BATCH)!;
    await own.sidecar.withdrawal.suspend(batch, 'x').durable;
    const stream = await open(own.socket, own.one);
    expect(await stream.next()).toMatchObject({ type: 'snapshot', state: 'suspended' });
    await own.sidecar.withdrawal.resume(batch);
    expect(await stream.next()).toEqual({ type: 'state', seq: 1, state: 'active' });
  });

  test('tells a workload when a new configuration gives it something else, or less', async () => {
    const own = await served();
    const stream = await open(own.socket, own.one);
    await stream.next();
    await own.sidecar.apply(configOf([identity('close-batch', { purpose: 'something else' })]));
    expect(await stream.next()).toEqual({ type: 'changed', seq: 1 });
    await own.sidecar.apply(configOf([identity('close-batch', { entitlements: [] })]));
    expect([await stream.next(), await stream.next()]).toEqual([
      { type: 'state', seq: 2, state: 'suspended' },
      { type: 'changed', seq: 3 },
    ]);
  });
});

describe('a stream', () => {
  test.each([
    ['gives the identity to another workload', [identity('close-batch', { match: [['unix:uid:1002']] })]],
    ['has the identity no longer', [identity('other', { match: [['unix:uid:1002']] })]],
    ['makes the workload another identity', [identity('other')]],
  ])('ends after all is taken back, when a new configuration %s', async (_, identities) => {
    const own = await served();
    const stream = await open(own.socket, own.one);
    await stream.next();
    await own.sidecar.apply(configOf(identities));
    await stream.ended;
    expect([await stream.next(), await stream.next()]).toEqual([
      { type: 'state', seq: 1, state: 'suspended' },
      { type: 'changed', seq: 2 },
    ]);
    await streams(own, 0);
  });

  test('goes on where a new configuration matches its workload in another way', async () => {
    const own = await served();
    const stream = await open(own.socket, own.one);
    await stream.next();
    await own.sidecar.apply(configOf([identity('close-batch', { match: [['unix:uid:1001', 'unix:gid:1001']] })]));
    expect([(await stream.next()).type, (await stream.next()).type]).toEqual(['state', 'changed']);
    await own.sidecar.withdrawal.suspend(own.sidecar.registry().identities.get(BATCH)!, 'x').durable;
    expect(await stream.next()).toMatchObject({ type: 'state', seq: 3 });
  });

  test('beats every five seconds while nothing happens', async () => {
    const own = await served();
    const stream = await open(own.socket, own.one);
    await stream.next();
    const before = stream.text.length;
    for (let beat = 1; beat <= 3; beat++) {
      own.time.advance(HEARTBEAT_MS);
      await once(stream.response, 'data');
      expect(stream.text.slice(before)).toBe(':\n\n'.repeat(beat));
    }
  });

  test('that its reader leaves is forgotten, with its timer', async () => {
    const own = await served();
    const timers = own.time.waiting;
    const stream = await open(own.socket, own.one);
    await stream.next();
    expect(own.time.waiting).toBe(timers + 1);
    stream.outgoing.destroy();
    await streams(own, 0);
    expect(own.time.waiting).toBe(timers);
  });

  test('of a reader that left while its proof was judged is never begun', async () => {
    const attested = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    let holdBack = false;
    const own = await serveSidecar({
      attesting: () => {
        if (!holdBack) return Promise.resolve();
        asked.resolve();
        return attested.promise;
      },
    });
    const socket = await own.workload();
    const one = await withNonce(socket);
    holdBack = true;
    const timers = own.time.waiting;
    const outgoing = request({
      socketPath: socket,
      path: '/v1/events',
      headers: { dpop: one.prove('GET', '/v1/events') },
    });
    outgoing.on('error', () => {});
    outgoing.end();
    await asked.promise;
    const closed = new Promise((resolve) => outgoing.once('close', resolve));
    outgoing.destroy();
    await closed;
    // The sidecar has seen it too.
    holdBack = false;
    await ask(socket, { target: '/jwks' });
    attested.resolve();
    await ask(socket, { target: '/jwks' });
    await streams(own, 0);
    expect(own.time.waiting).toBe(timers);
  });

  test('whose reader falls a quarter of a megabyte behind is ended, and the others are not', async () => {
    const own = await served();
    const two = await withNonce(own.socket);
    const good = await open(own.socket, two);
    await good.next();
    const slow = connect(own.socket);
    onTestFinished(() => void slow.destroy());
    slow.on('error', () => {});
    slow.write(`GET /v1/events HTTP/1.1\r\nHost: x\r\nDPoP: ${own.one.prove('GET', '/v1/events')}\r\n\r\n`);
    slow.pause();
    await streams(own, 2);
    let sent = 0;
    while (!own.metrics.render().includes('tallystick_event_streams 1\n')) {
      void own.sidecar.apply(configOf([identity('close-batch', { purpose: `change ${sent}` })]));
      if (++sent % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (sent > 200_000) throw new Error('a slow reader is kept for ever');
    }
    expect(await good.next()).toEqual({ type: 'changed', seq: 1 });
  });

  test('is ended when the sidecar stops', async () => {
    const own = await served();
    const stream = await open(own.socket, own.one);
    await stream.next();
    await own.sidecar.stop();
    await stream.ended;
    expect(own.time.waiting).toBe(0);
  });
});
