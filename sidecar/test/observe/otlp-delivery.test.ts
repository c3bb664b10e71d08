import { Agent } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { ExportResultCode } from '@opentelemetry/core';
import { expect, test } from 'vitest';
import { OtlpDelivery, type Collector as Target } from '../../src/observe/otlp-delivery.ts';
import { manualTime } from '../manual-time.ts';
import { startCollector } from './collector.ts';

const AGENT = new Agent();

async function delivering(options: Partial<Target> = {}) {
  const collector = await startCollector();
  const time = manualTime();
  const attempts: (string | undefined)[] = [];
  const giveUp = new AbortController();
  let heard = (): void => {};
  const delivery = new OtlpDelivery<string>(
    {
      url: `${collector.endpoint}/v1/traces`,
      headers: async () => ({ 'content-type': 'text/plain' }),
      agent: () => AGENT,
      gzip: false,
      timeoutMs: 10_000,
      ...options,
    },
    (text) => (text === '' ? undefined : Buffer.from(text)),
    {
      clock: time,
      timers: time,
      random: { bytes: (length) => new Uint8Array(length), uniform: () => 0.5 },
      giveUp: giveUp.signal,
      attempted: (failure) => {
        attempts.push(failure);
        heard();
      },
    },
  );
  return {
    collector,
    time,
    attempts,
    giveUp,
    delivery,
    /** Hands over a batch; resolves with whether it was delivered. */
    send: (text: string) =>
      new Promise<boolean>((resolve) => {
        delivery.export(text, ({ code }) => resolve(code === ExportResultCode.SUCCESS));
      }),
    /** Resolves when so many attempts have ended and what follows from them is under way. */
    async tried(count: number): Promise<void> {
      while (attempts.length < count) await new Promise<void>((resolve) => (heard = resolve));
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('a batch that the collector takes is delivered; one without content is not sent', async () => {
  const { collector, send } = await delivering();
  expect(await send('batch')).toBe(true);
  expect(await send('')).toBe(true);
  expect(collector.received).toMatchObject([
    { path: '/v1/traces', headers: { 'content-type': 'text/plain', 'content-length': '5' } },
  ]);
});

test('a compressed batch says so', async () => {
  const { collector, send } = await delivering({ gzip: true });
  expect(await send('batch')).toBe(true);
  expect(collector.received[0]!.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(collector.received[0]!.body).toString()).toBe('batch');
});

test.each([429, 502, 503, 504])(
  'OTLP "Failures": after %d a batch is tried again, and then it is taken',
  async (status) => {
    const { collector, time, send, tried, attempts } = await delivering();
    collector.answer(status);
    const sent = send('batch');
    await tried(1);
    collector.answer(200);
    time.advance(999);
    expect(collector.received).toHaveLength(1);
    time.advance(1);
    expect(await sent).toBe(true);
    expect(attempts).toEqual([`HTTP ${status}`, undefined]);
  },
);

test.each([400, 401, 404, 500])('OTLP "Failures": after %d it is dropped', async (status) => {
  const { collector, send, time } = await delivering();
  collector.answer(status);
  expect(await send('batch')).toBe(false);
  expect(time.waiting).toBe(0);
});

test('OTLP "Throttling": Retry-After is waited out', async () => {
  const { collector, time, send, tried } = await delivering();
  collector.answer(503, { 'retry-after': '7' });
  const sent = send('batch');
  await tried(1);
  collector.answer(200);
  time.advance(6999);
  expect(collector.received).toHaveLength(1);
  time.advance(1);
  expect(await sent).toBe(true);
});

test('a batch is given up when its time is over', async () => {
  const { collector, time, send, tried, attempts } = await delivering();
  collector.answer(503);
  const sent = send('batch');
  for (const [index, waitMs] of [1000, 1500, 2250, 3375].entries()) {
    await tried(index + 1);
    time.advance(waitMs);
  }
  // The next wait, of five seconds, would end after the ten that it has.
  expect(await sent).toBe(false);
  expect(attempts).toHaveLength(5);
});

test('a collector that is not there is tried again, and its address is not told', async () => {
  const url = 'http://operator:secret@127.0.0.1:1/v1/traces';
  const { time, send, tried, giveUp, attempts } = await delivering({ url });
  const sent = send('batch');
  await tried(1);
  time.advance(1000);
  await tried(2);
  giveUp.abort();
  expect(await sent).toBe(false);
  expect(attempts).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
});

test('a batch that waits for an answer, or to be tried again, is given up at once when told', async () => {
  const { collector, delivery, send, tried, giveUp, time } = await delivering();
  collector.answer(503);
  const waits = send('first');
  await tried(1);
  collector.answer('hang');
  const hangs = send('second');
  await collector.got(2);
  giveUp.abort();
  expect(await Promise.all([waits, hangs])).toEqual([false, false]);
  await delivery.shutdown();
  expect(time.waiting).toBe(0);
  expect(await send('third')).toBe(false);
  expect(collector.received).toHaveLength(2);
});

test('a flush waits for what is under way', async () => {
  const { collector, delivery, send } = await delivering();
  collector.answer('hang');
  const order: string[] = [];
  void send('batch').then(() => order.push('delivered'));
  const flushed = delivery.forceFlush().then(() => order.push('flushed'));
  await collector.got(1);
  collector.letGo(200);
  await flushed;
  expect(order).toEqual(['delivered', 'flushed']);
});

test('an answer that breaks off is a failure', async () => {
  const { collector, send, tried, giveUp, attempts } = await delivering();
  collector.answer(200, { 'content-length': '1000' });
  const sent = send('batch');
  await tried(1).then(() => giveUp.abort());
  expect(await sent).toBe(false);
  expect(attempts[0]).toBeDefined();
});
