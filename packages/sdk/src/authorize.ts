import { holdOpen } from './hold-open.ts';
import type { Holder } from './holder.ts';
import { proofFor } from './proof-for.ts';

/** One request that some other HTTP client is about to send. */
export interface AuthorizeRequest {
  /** The proof has it in upper case, as axios, got and `node:http` send what they are given. */
  readonly method: string;
  readonly url: string | URL;
  /** The credential to use. Absent: the one whose `use` prefix is the longest that covers the URL. */
  readonly credential?: string;
  /** The `DPoP-Nonce` of the API's last answer. Absent: the newest that this identity has seen from it. */
  readonly nonce?: string;
}

/** The two headers that authenticate one request. */
export interface Authorization {
  readonly authorization: string;
  readonly dpop: string;
}

/**
 * Returns the headers for one request. They are good for one attempt: a retry needs new ones.
 *
 * @throws {TallystickError} `url_not_covered`, `not_entitled`, or why there is no token.
 */
export async function authorize(holder: Holder, request: AuthorizeRequest): Promise<Authorization> {
  // A copy: the caller may change its own while a token is on its way.
  const url = new URL(request.url);
  const method = request.method.toUpperCase();
  const source = holder.tokens(holder.use.pick(url, request.credential));
  const held = source.peek() ?? (await holdOpen(source.obtain()));
  const { origin } = url;
  const nonce = holder.memory.learnNonce(origin, request.nonce) ?? holder.memory.nonce(origin);
  return { authorization: held.authorization.reveal(), dpop: proofFor(holder, held, { method, url, origin, nonce }) };
}
