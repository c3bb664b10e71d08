import { TallystickError } from '@tallystick/core';
import type { EntitledCredential } from '@tallystick/protocol';
import { abortable } from './abortable.ts';
import { publish } from './channels.ts';
import { holdOpen } from './hold-open.ts';
import type { Holder } from './holder.ts';
import { outgoingOf, type Outgoing } from './outgoing.ts';
import { proofFor } from './proof-for.ts';
import { judgeRedirect } from './redirect.ts';
import { learnFromRefusal, type Remedy } from './unauthorized.ts';

/** What {@link createFetch} is made of. */
export interface FetchParts {
  readonly holder: Holder;
  /** Sends a request. Called for each attempt, so that it can look up what is global then. */
  readonly send: typeof globalThis.fetch;
  /** @throws {TallystickError} `identity_closed` */
  readonly requireOpen: () => void;
}

const NONE: readonly Remedy[] = [];

/**
 * Returns a `fetch` that sends a token and a proof with every request, and follows redirects by itself: token and
 * proof go neither to another URL origin nor outside of the `use` prefixes of the credential that was chosen first.
 *
 * It answers with whatever the API answers, 401 and 403 too; it rejects with a TypeError for the network, with the
 * signal's reason, and with a TallystickError for the credential.
 *
 * @param pinned The credential to use. Absent: the one whose `use` prefix is the longest that covers the URL.
 */
export function createFetch({ holder, send, requireOpen }: FetchParts, pinned?: string): typeof globalThis.fetch {
  return async (input, init) => {
    requireOpen();
    let request = outgoingOf(input, init);
    let credential: EntitledCredential | undefined = holder.use.pick(request.url, pinned);
    for (let count = 0; ; count++) {
      const covered =
        credential !== undefined && (count === 0 || holder.use.find(request.url, credential.name) !== undefined);
      const response = covered ? await sendProven(request, credential!) : await send(...request.attempt(undefined));
      const { status } = response;
      if (status < 300 || status > 399) return finish(request, response, count);
      const redirect = judgeRedirect({ status, location: response.headers.get('location') }, request, count);
      if (redirect.kind === 'none') return finish(request, response, count);
      discard(response);
      if (redirect.kind === 'fail') throw networkError(request, redirect.reason);
      const next = await request.follow(redirect);
      request.done();
      request = next;
      // Not even when a later redirect leads back, as fetch never restores Authorization.
      if (redirect.crossOrigin) credential = undefined;
    }
  };

  async function sendProven(request: Outgoing, credential: EntitledCredential): Promise<Response> {
    const { url, method, signal } = request;
    const { origin } = url;
    const { memory } = holder;
    const source = holder.tokens(credential);
    for (let tried = NONE; ;) {
      const held = source.peek() ?? (await abortable(holdOpen(source.obtain()), signal));
      const nonce = memory.nonce(origin);
      const authentication = {
        authorization: held.authorization.reveal(),
        dpop: proofFor(holder, held, { method, url, origin, nonce }),
      };
      const response = await send(...request.attempt(authentication));
      const newNonce = memory.learnNonce(origin, response.headers.get('dpop-nonce'));
      if (response.status !== 401) return response;
      const { headers } = response;
      const answer = { challenge: headers.get('www-authenticate'), nonce: newNonce, date: headers.get('date') };
      const remedy = learnFromRefusal(answer, { origin, scheme: 'DPoP', nonce, held, source, memory }, tried);
      if (remedy === undefined) return response;
      if (!request.replayable) {
        if (remedy !== 'nonce') return response;
        discard(response);
        throw new TallystickError(
          'body_not_replayable',
          `${origin} asks for a nonce, and the body is a stream that was sent`,
        );
      }
      discard(response);
      tried = [...tried, remedy];
      publish('tallystick:request:retried', { origin, reason: remedy });
    }
  }
}

function finish(request: Outgoing, response: Response, redirects: number): Response {
  request.done();
  // What fetch says of a response whose redirects it has followed.
  if (redirects > 0) Object.defineProperty(response, 'redirected', { value: true });
  return response;
}

function networkError(request: Outgoing, reason: string): TypeError {
  request.done();
  return new TypeError('fetch failed', { cause: new Error(reason) });
}

const SMALL_BYTES = 16_384;

/** Gives up an answer. A small one is read to its end, so that its connection can be used again. */
function discard(response: Response): void {
  const length = response.headers.get('content-length');
  const small = length !== null && Number(length) <= SMALL_BYTES;
  const ended: Promise<unknown> | undefined = small ? response.arrayBuffer() : response.body?.cancel();
  ended?.catch(() => {});
}
