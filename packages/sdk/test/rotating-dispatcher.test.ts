import { Secret, type X509Credential } from '@tallystick/core';
import { Agent } from 'undici';
import { expect, test } from 'vitest';
import { rotatingDispatcher, type CertificateSource } from '../src/tls.ts';

/** An identity whose certificate is newer each time that the test says so. */
function certificates(): { source: CertificateSource; renew: () => void } {
  let renewed = Promise.withResolvers<void>();
  async function* watch(): AsyncGenerator<X509Credential> {
    for (;;) {
      yield { key: new Secret('key'), certificate: 'certificate', authorities: 'authorities' } as X509Credential;
      await renewed.promise;
      renewed = Promise.withResolvers();
    }
  }
  return { source: { watch: watch as unknown as CertificateSource['watch'] }, renew: () => renewed.resolve() };
}

test('a dispatcher that its maker has destroyed neither ends the program when it is replaced, nor keeps it from closing', async () => {
  const unheard: unknown[] = [];
  const onUnheard = (reason: unknown): void => void unheard.push(reason);
  process.on('unhandledRejection', onUnheard);
  const { source, renew } = certificates();
  const opened: Agent[] = [];
  const dispatcher = await rotatingDispatcher(source, 'it', () => {
    const agent = new Agent();
    opened.push(agent);
    return agent;
  });
  await opened[0]!.destroy();
  renew();
  await expect.poll(() => opened.length).toBe(2);
  await opened[1]!.destroy();
  await dispatcher.close();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', onUnheard);
  expect(unheard).toEqual([]);
});

test.each(['onResponseEnd', 'onResponseError'] as const)(
  'a handler that hears of no %s keeps no dispatcher from closing',
  async (unheard) => {
    const { source } = certificates();
    // As an interceptor does, which undici tells of the end.
    const dispatch = (_options: never, handler: never): boolean => {
      (handler as Partial<Record<typeof unheard, () => void>>)[unheard]?.();
      return true;
    };
    const dispatcher = await rotatingDispatcher(source, 'it', () => ({ dispatch, close: async () => {} }));
    dispatcher.dispatch({} as never, { onRequestStart() {} } as never);
    await dispatcher.close();
  },
);

test('one that its maker cannot make for a newer certificate says why to each call', async () => {
  const { source, renew } = certificates();
  const broken = new Error('no more sockets');
  let opened = 0;
  const dispatcher = await rotatingDispatcher(source, 'it', () => {
    if (opened++ > 0) throw broken;
    return new Agent();
  });
  renew();
  await expect.poll(() => opened).toBe(2);
  expect(() => dispatcher.dispatch({} as never, {} as never)).toThrow(broken);
  await dispatcher.close();
});
