import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { flushOnExit, type ExitingProcess } from '../src/exit.ts';

/** A process whose signals a test sends, and telemetry whose end a test decides. */
function scene() {
  const happened: string[] = [];
  const emitter = new EventEmitter();
  const { promise, resolve: shutDown } = Promise.withResolvers<void>();
  const process = Object.assign(emitter, {
    pid: 42,
    kill: (pid: number, signal: string) => happened.push(`kill ${pid} ${signal}`) > 0,
  }) as unknown as ExitingProcess & EventEmitter;
  flushOnExit(process, {
    flush: () => Promise.resolve(void happened.push('flush')),
    shutdown: () => {
      happened.push('shutdown');
      return promise;
    },
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { process, happened, shutDown, settle };
}

test.each(['SIGTERM', 'SIGINT'])(
  'a program that does not handle %s dies of it once all is exported',
  async (signal) => {
    const { process, happened, shutDown, settle } = scene();
    process.emit(signal, signal);
    await settle();
    expect(happened).toEqual(['shutdown']);
    expect(process.listenerCount(signal)).toBe(0);
    shutDown();
    await settle();
    expect(happened).toEqual(['shutdown', `kill 42 ${signal}`]);
  },
);

test('a program that handles a signal decides, and what there is is exported meanwhile', async () => {
  const { process, happened, settle } = scene();
  process.on('SIGTERM', () => happened.push('the program'));
  process.emit('SIGTERM', 'SIGTERM');
  await settle();
  expect(happened).toEqual(['flush', 'the program']);
});

test('a listener that ends the program when it is the only one finds that it is', () => {
  const { process, happened } = scene();
  process.on('SIGTERM', () => {
    if (process.listenerCount('SIGTERM') === 1) happened.push('ended by the only listener');
  });
  process.emit('SIGTERM', 'SIGTERM');
  expect(happened).toEqual(['flush', 'ended by the only listener']);
});

test('a program that ends by itself exports once', async () => {
  const { process, happened, shutDown } = scene();
  process.emit('beforeExit', 0);
  shutDown();
  process.emit('beforeExit', 0);
  expect(happened).toEqual(['shutdown']);
});
