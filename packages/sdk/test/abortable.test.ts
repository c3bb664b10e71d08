import { expect, test } from 'vitest';
import { abortable } from '../src/abortable.ts';

test('without a signal, or with one that does not abort, it is what the promise becomes', async () => {
  const controller = new AbortController();
  expect(await abortable(Promise.resolve(1), undefined)).toBe(1);
  expect(await abortable(Promise.resolve(2), controller.signal)).toBe(2);
  await expect(abortable(Promise.reject(new Error('no')), controller.signal)).rejects.toThrow('no');
});

test('it rejects with the reason as soon as the signal aborts', async () => {
  const controller = new AbortController();
  const waiting = abortable(new Promise(() => {}), controller.signal);
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

test('a failure that comes after the abort is nobody\u2019s: it is not an unhandled rejection', async () => {
  const unhandled: unknown[] = [];
  const listen = (reason: unknown): number => unhandled.push(reason);
  process.on('unhandledRejection', listen);
  const late = new Error('late');
  const fail = (): Promise<never> => new Promise((_, reject) => setImmediate(() => reject(late)));
  const controller = new AbortController();
  const waiting = abortable(fail(), controller.signal);
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(abortable(fail(), AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
  await new Promise((resolve) => setTimeout(resolve, 5));
  process.off('unhandledRejection', listen);
  expect(unhandled).toEqual([]);
});
