import { TallystickError, type X509Credential } from '@tallystick/core';
import { authenticationFor, type Authentication } from './authentication.ts';
import { publish } from './channels.ts';
import {
  credentialHeaders,
  headerOf,
  isReplayableBody,
  urlOf,
  type Dispatch,
  type DispatchController,
  type DispatchHandler,
  type DispatchHeaders,
  type DispatchOptions,
} from './dispatch.ts';
import type { HeldToken } from './held-token.ts';
import { holdOpen } from './hold-open.ts';
import type { Holder } from './holder.ts';
import { learnFromRefusal, type Remedy } from './unauthorized.ts';

/**
 * An interceptor for `compose()` of undici 7 and later: it takes a dispatch function and returns one. Structural, so
 * that no version of undici is depended on.
 */
export type Interceptor = <D extends (options: never, handler: never) => boolean>(dispatch: D) => D;

/** Which requests an interceptor authenticates, and how. */
export interface InterceptorOptions {
  /** The credential to use. Absent: the one whose `use` prefix is the longest that covers the URL. */
  readonly credential?: string;
  /**
   * What the connections of this dispatcher show: {@link Identity.interceptor} of a rotating dispatcher has it. Credentials
   * that are bound to it go with it alone; all others are proven request by request, as without it.
   */
  readonly certificate?: X509Credential;
}

/**
 * Returns an interceptor that authenticates every request which a credential covers, and passes on every other as it is.
 *
 * It must lie within the interceptors that repeat or redirect, for each attempt needs a proof of its own, and around
 * one that resolves names, for the proof names the host: `compose(dns, tallystick, redirect, retry)`.
 */
export function createInterceptor(
  holder: Holder,
  requireOpen: () => void,
  { credential: pinned, certificate }: InterceptorOptions,
): Interceptor {
  const intercept = (dispatch: Dispatch): Dispatch =>
    // undici accepts a function of two parameters alone.
    function authenticatedDispatch(options, handler) {
      requireOpen();
      const url = urlOf(options);
      const credential = url && holder.use.find(url, pinned);
      if (!credential) return dispatch(options, handler);
      // A copy: what the caller changes while a token is on its way was not judged.
      const authentication = authenticationFor(holder, credential, certificate);
      return new AuthenticatedDispatch(dispatch, { ...options }, handler, url, holder, authentication).start();
    };
  return intercept as unknown as Interceptor;
}

/** One request, through all its attempts. */
class AuthenticatedDispatch {
  readonly #dispatch: Dispatch;
  readonly #options: DispatchOptions;
  readonly #handler: DispatchHandler;
  readonly #url: URL;
  readonly #holder: Holder;
  readonly #authentication: Authentication;
  #tried: readonly Remedy[] = [];

  constructor(
    dispatch: Dispatch,
    options: DispatchOptions,
    handler: DispatchHandler,
    url: URL,
    holder: Holder,
    authentication: Authentication,
  ) {
    this.#dispatch = dispatch;
    this.#options = options;
    this.#handler = handler;
    this.#url = url;
    this.#holder = holder;
    this.#authentication = authentication;
  }

  /** Sends an attempt as soon as there is a token. Returns what `dispatch` returns: false when the caller should slow down. */
  start(): boolean {
    const { source } = this.#authentication;
    const held = source.peek();
    if (held) return this.#attempt(held);
    holdOpen(source.obtain())
      .then((obtained) => this.#attempt(obtained))
      // No connection has been chosen, so there is nothing to control.
      .catch((error: Error) => this.#handler.onResponseError?.(null, error));
    return true;
  }

  #attempt(held: HeldToken): boolean {
    const url = this.#url;
    const { origin } = url;
    const { method } = this.#options;
    const nonce = this.#holder.memory.nonce(origin);
    const authentication = this.#authentication.headersFor(held, { method, url, origin, nonce });
    const headers = credentialHeaders(this.#options.headers, authentication);
    return this.#dispatch({ ...this.#options, headers }, this.#handlerOf(held, nonce));
  }

  /** Returns a handler that passes everything on, but for an answer that leads to another attempt. */
  #handlerOf(held: HeldToken, nonce: string | undefined): DispatchHandler {
    const target = this.#handler;
    let again = false;
    return {
      onRequestStart: (controller, context) => target.onRequestStart?.(controller, context),
      onRequestUpgrade: (controller, status, headers, socket) =>
        target.onRequestUpgrade?.(controller, status, headers, socket),
      onResponseStart: (controller, status, headers, message) => {
        const remedy = this.#learn(status, headers, held, nonce);
        again = remedy !== undefined && this.#mayRepeat(remedy, controller);
        if (!again && !controller.aborted) target.onResponseStart?.(controller, status, headers, message);
      },
      onResponseData: (controller, chunk) => {
        if (!again) target.onResponseData?.(controller, chunk);
      },
      onResponseEnd: (controller, trailers) => {
        if (again) this.start();
        else target.onResponseEnd?.(controller, trailers);
      },
      onResponseError: (controller, error) => target.onResponseError?.(controller, error),
      onResponseStarted: () => target.onResponseStarted?.(),
      onBodySent: (...progress) => target.onBodySent?.(...progress),
      onRequestSent: () => target.onRequestSent?.(),
    };
  }

  #learn(status: number, headers: DispatchHeaders, held: HeldToken, nonce: string | undefined): Remedy | undefined {
    const { memory } = this.#holder;
    const { origin } = this.#url;
    const newNonce = memory.learnNonce(origin, headerOf(headers, 'dpop-nonce'));
    if (status !== 401) return undefined;
    const answer = {
      challenge: headerOf(headers, 'www-authenticate'),
      nonce: newNonce,
      date: headerOf(headers, 'date'),
    };
    const { scheme, source } = this.#authentication;
    return learnFromRefusal(answer, { origin, scheme, nonce, held, source, memory }, this.#tried);
  }

  #mayRepeat(remedy: Remedy, controller: DispatchController): boolean {
    const { origin } = this.#url;
    if (!isReplayableBody(this.#options.body)) {
      if (remedy === 'nonce') {
        controller.abort(
          new TallystickError(
            'body_not_replayable',
            `${origin} asks for a nonce, and the body is a stream that was sent`,
          ),
        );
      }
      return false;
    }
    this.#tried = [...this.#tried, remedy];
    publish('tallystick:request:retried', { origin, reason: remedy });
    return true;
  }
}
