import { TallystickError, type X509Credential } from '@tallystick/core';
import { followCertificate, type CertificateSource, type TlsMaterial } from './follow-certificate.ts';
import { InFlight } from './in-flight.ts';

/** What is used of a dispatcher of undici. */
export interface Dispatcher {
  dispatch(options: never, handler: never): boolean;
  /** Resolves when what was dispatched has ended. */
  close(): Promise<void>;
}

/** A dispatcher for `fetch` and `request` of undici. */
export interface RotatingDispatcher<D extends Dispatcher> extends AsyncDisposable {
  readonly dispatch: D['dispatch'];
  /** Follows the certificate no more, and resolves when what was dispatched has ended. */
  close(): Promise<void>;
}

/**
 * Returns a dispatcher whose connections show the certificate `name`, each the one that was good when it was opened.
 *
 * With each newer certificate a new dispatcher takes over; the one before it takes nothing more, and closes its
 * connections when what is in flight on them has ended: none is cut. They share no TLS sessions: one that is resumed
 * keeps the certificate that it began with. A certificate that is revoked is shown no more, and calls fail with why.
 *
 * @param open Makes a dispatcher of your undici: `(tls) => new Agent({ connect: tls })`. `certificate` is what its
 * connections show: `.compose(identity.interceptor({ certificate }))` sends tokens that are bound to exactly that.
 * @throws {TallystickError} Why there is no certificate.
 */
export async function rotatingDispatcher<D extends Dispatcher>(
  identity: CertificateSource,
  name: string,
  open: (tls: TlsMaterial, certificate: X509Credential) => D,
): Promise<RotatingDispatcher<D>> {
  const stopped = new AbortController();
  const closing = new Set<Promise<void>>();
  let current: { readonly dispatcher: D; readonly inFlight: InFlight } | undefined;
  let why: Error | undefined;

  const replaceBy = (next: D | undefined): void => {
    const before = current;
    current = next && { dispatcher: next, inFlight: new InFlight() };
    if (!before) return;
    const closed = before.inFlight
      .settled()
      .then(() => before.dispatcher.close())
      // One that whoever made it has destroyed cannot be closed.
      .catch(() => {})
      .finally(() => closing.delete(closed));
    closing.add(closed);
  };
  await followCertificate(
    identity,
    name,
    {
      changed: (tls, certificate) => replaceBy(open(tls, certificate)),
      ended: (reason) => {
        why = reason;
        replaceBy(undefined);
      },
    },
    stopped.signal,
  );

  const close = async (): Promise<void> => {
    stopped.abort();
    replaceBy(undefined);
    await Promise.all(closing);
  };
  return {
    dispatch: ((options, handler) => {
      if (!current) throw why ?? new TallystickError('identity_closed', `"${name}" was used after close()`);
      const { dispatcher, inFlight } = current;
      return inFlight.dispatch(handler as object, (watched) => dispatcher.dispatch(options, watched as never));
    }) satisfies Dispatcher['dispatch'],
    close,
    [Symbol.asyncDispose]: close,
  };
}
